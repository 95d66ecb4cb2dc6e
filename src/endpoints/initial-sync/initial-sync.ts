import type { FastifyRequest } from 'fastify';
import type { Account } from '../../homeserver/homeserver.ts';
import type { HomeserverKind } from '../../homeserver/kinds/kind.ts';
import { tokensGivenBy } from '../../homeserver/kinds/sync-token.ts';
import { queryOf } from '../../http/query.ts';
import { checkDirection, readBoolean, readLimit } from '../../matrix/query.ts';
import { encodeRoomToken } from '../../tokens/own-tokens.ts';
import { checkToken } from '../../tokens/read-position.ts';
import { initialSyncFilter } from '../../translate/sync-filter.ts';
import type { CreateEndpoint, SessionCall } from '../route.ts';
import { readBotNow, streamBotAccount } from '../session/bot-account.ts';
import { readInviteNotifications } from '../session/invite-notifications.ts';
import { createSpool } from '../streamed/spool.ts';
import { replyWhileItComes } from '../streamed/streamed-reply.ts';
import { writeInitialSync } from './initial-sync-answer.ts';

interface InitialSyncQuery {
  limit: number;
  archived: boolean;
  isRaw: boolean;
}

/** What one answer may hold back in memory. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;

/**
 * `GET /initialSync`: everything that a client needs at start, streamed while the homeserver's answer comes in.
 *
 * An answer that has begun and cannot be finished is cut, never closed: no client takes half an account for all of it.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/old_sync.yaml (initialSync)
 * @see docs/reference/synapse-legacy.md#initial-sync
 */
export const createInitialSync: CreateEndpoint<SessionCall> = (services) => {
  const { cursors, clock } = services;

  async function getInitialSync(
    { session, request, reply, signal }: SessionCall,
    query: InitialSyncQuery,
  ): Promise<void> {
    const { key, account, userId } = session;
    const visibility = services.waitForVisibilities(signal);
    // Its rooms' visibilities are asked for while the homeserver is still at work on the long answer.
    account.joinedRooms().then(visibility.askAhead, () => {});
    const filter = initialSyncFilter({ ...query, variant: cursors.initialSyncs(key) });
    const chunks = await services.bots.withSyncOr(
      session,
      () => account.streamSync({ filter, timeoutMs: 0, setPresence: 'offline' }),
      () => readBotAccount(account, query),
    );
    const spool = createSpool({ maxMemoryBytes: MOST_HELD_BYTES });
    reply.raw.once('close', () => void spool.close());
    const kind = await services.kind();
    const pieces = writeInitialSync({
      chunks,
      isSyncToken: tokensGivenBy(kind),
      spool,
      visibility,
      context: {
        userId,
        archived: query.archived,
        isRaw: query.isRaw,
        nowMs: clock.now(),
        ...(kind.ignoresTimelineLimit === true && { mostEvents: query.limit }),
        roomToken: (roomId, eventId, side) => encodeRoomToken({ roomId, eventId, side }),
        onEvent: (eventId, roomId) => services.eventRooms.note(eventId, roomId),
        onPresence: (event) => services.presences.note(key, [event]),
      },
      readInvites: (invited) => readInviteNotifications(session, invited),
    });
    // All of it was taken: the session's next initial sync asks anew.
    await replyWhileItComes(request, reply, pieces, { onSent: () => cursors.countInitialSync(key) });
  }

  async function readBotAccount(
    account: Account,
    { limit, isRaw }: InitialSyncQuery,
  ): Promise<AsyncIterable<Buffer>> {
    const rooms = await account.joinedRooms();
    const nextBatch = await readBotNow(rooms, account, await services.kind());
    return streamBotAccount({ account, rooms, nextBatch, limit, isRaw });
  }

  return async (call) => {
    const { request, reply, session, signal } = call;
    const query = readInitialSyncQuery(request, await services.kind());
    const leave = await services.initialSyncTurns.enter(session.key, signal);
    reply.raw.once('close', leave);
    try {
      await getInitialSync(call, query);
    } catch (error) {
      leave();
      throw error;
    }
  };
};

/** `from`, `to` and `dir` are read as natively: what is in them does not matter, unless it is wrong. */
function readInitialSyncQuery(request: FastifyRequest, kind: HomeserverKind): InitialSyncQuery {
  const query = queryOf(request);
  for (const name of ['from', 'to'] as const) checkToken(name, query.get(name) ?? '', kind);
  checkDirection(query);
  return { limit: readLimit(query, 10), archived: readBoolean(query, 'archived'), isRaw: query.has('raw') };
}
