import { Readable } from 'node:stream';
import { queryOf } from '../../http/query.ts';
import { isRefusal, MatrixError } from '../../matrix/errors.ts';
import type { EventId, RoomId, SyncToken, UserId } from '../../matrix/identifiers.ts';
import { readLimit } from '../../matrix/query.ts';
import { encodeRoomToken } from '../../tokens/own-tokens.ts';
import { checkToken } from '../../tokens/read-position.ts';
import type { OwnView } from '../../translate/own-view.ts';
import type { RoomSnapshot } from '../../translate/room-initial-sync.ts';
import { readRoomAccess, type RoomAccess } from '../peek/room-access.ts';
import type { CreateEndpoint, SessionCall } from '../route.ts';
import { readUpToNow, type NewestReading } from './read-up-to-now.ts';
import { readOwnView } from './read-own-view.ts';
import { writeRoomSnapshot } from './room-snapshot.ts';

const NOTHING_OWN: OwnView = { receipts: [], accountData: [] };

/**
 * `GET /rooms/{roomId}/initialSync`: one room as it is now, for members, for users who left it, and for peekers.
 *
 * Differs: peekers-see-no-presence, full-room-chunk, receipts-of-the-chunk, left-rooms-have-tags-only
 * Differs: no-presence-in-large-rooms, own-end-token-of-left-rooms
 *
 *
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/room_initial_sync.yaml
 *
 *
 * @see docs/reference/synapse-legacy.md#room-initial-sync
 */
export const createRoomInitialSync: CreateEndpoint<SessionCall> = (services) => {
  const { cursors, clock } = services;

  async function getRoomInitialSync(
    { session, reply, signal }: SessionCall,
    roomId: RoomId,
    limit: number,
  ): Promise<Readable> {
    const { account, key, userId } = session;
    const kind = await services.kind();
    const access = await readRoomAccess({ account, kind, roomId }, userId);
    if (access === undefined) throw notReadable(userId, roomId);
    const leave = await services.readTurns.enter(key, signal);
    reply.raw.once('close', leave);
    const isMember = access === 'member';
    // Sliding sync knows only rooms that the caller is in.
    const hasSlidingSync = isMember && services.hasSlidingSync();
    const own = access === 'peeker' ? NOTHING_OWN : readOwnView(session, roomId, { hasSlidingSync, limit });
    const reading = { kind, isMember, limit, reply };
    const read = await readUpToNow(session, roomId, reading, services).catch(
      rethrowAsNotReadable(userId, roomId),
    );
    const snapshot = toSnapshot(roomId, access, read);
    const state = await account.streamState(roomId).catch(rethrowAsNotReadable(userId, roomId));
    cursors.keepSnapshot(key, roomId, snapshot.end);
    reply.type('application/json');
    const pieces = writeRoomSnapshot({
      snapshot,
      spool: read.spool,
      pages: read.pages,
      nowMs: clock.now(),
      state,
      own,
      account,
      showsPresence: isMember,
      callTurns: services.callTurns,
      owner: key,
    });
    return Readable.from(pieces, { objectMode: false });
  }

  return async (call) => {
    const roomId = call.params[0] as RoomId;
    const query = queryOf(call.request);
    const limit = readLimit(query, 10);
    // Synapse reads these and ignores them, unless one is wrong.
    for (const name of ['from', 'to'] as const)
      checkToken(name, query.get(name) ?? '', await services.kind());
    return getRoomInitialSync(call, roomId, limit);
  };
};

function toSnapshot(
  roomId: RoomId,
  access: Exclude<RoomAccess, undefined>,
  { start, newest, now }: NewestReading,
): RoomSnapshot {
  return {
    roomId,
    ...(access !== 'peeker' && { membership: access === 'member' ? 'join' : 'leave' }),
    start,
    end: access === 'left' ? afterNewest(roomId, newest, now) : now,
  };
}

/** Returns the token for the place where a room ended for a user who left it. */
function afterNewest(roomId: RoomId, eventId: EventId | undefined, now: SyncToken): string {
  return eventId === undefined ? now : encodeRoomToken({ roomId, eventId, side: 'after' });
}

/** Makes the error for a room that cannot be read, the same for a private room and one that does not exist. */
function notReadable(userId: UserId, roomId: RoomId): MatrixError {
  return new MatrixError(
    403,
    'M_FORBIDDEN',
    `User ${userId} not in room ${roomId}, and room previews are disabled`,
  );
}

function rethrowAsNotReadable(userId: UserId, roomId: RoomId): (error: unknown) => never {
  return (error) => {
    throw isRefusal(error) ? notReadable(userId, roomId) : error;
  };
}
