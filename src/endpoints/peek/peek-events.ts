import type { FastifyRequest } from 'fastify';
import { queryOf } from '../../http/query.ts';
import { isTransient, MatrixError } from '../../matrix/errors.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { checkToken, readPosition, type StreamPosition } from '../../tokens/read-position.ts';
import { streamCatchUp } from '../events/events-answer.ts';
import { readEventsQuery, type EventsQuery } from '../events/events-query.ts';
import { holdLongPoll, type LongPoll, type PollStart } from '../events/long-poll.ts';
import type { CreateEndpoint, SessionCall } from '../route.ts';
import type { Session } from '../session/session.ts';
import { isWorldReadable, readRoomAccess } from './room-access.ts';

/** Whether a request to `/events` is for one room, which makes it another endpoint. */
export const namesRoom = (request: FastifyRequest): boolean => (queryOf(request).get('room_id') ?? '') !== '';

/**
 * `GET /events?room_id=`: the long poll of one room, also for users and guests who have not joined it.
 *
 * Differs: peeks-have-room-events-only, closed-rooms-end-a-peek
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/peeking_events.yaml (peekEvents)
 * @see docs/reference/synapse-legacy.md#peeking
 */
export const createPeekEvents: CreateEndpoint<SessionCall> = (services) => {
  const { clock } = services;

  async function peekEvents(roomId: RoomId, query: EventsQuery, poll: LongPoll): Promise<string | object> {
    const { limit, isRaw } = query;
    const { session, retryBudget } = poll;
    if (query.to !== undefined)
      checkToken('to', query.to, await retryBudget.retryUntilDeadline(services.kind));
    const refuse = () => refuseUnreadable(session, roomId);
    // Both at once: *now* is the moment when the poll came, not the one after some look-ups.
    const [start] = await Promise.all([
      poll.startAt(() => readStart(roomId, query.from, poll)),
      retryBudget.retryUntilDeadline(refuse),
    ]);
    const request = { session, token: start.token, limit, isRaw, retryBudget, refuseUnreadable: refuse };
    const delivery = await services.peeks.follow(roomId, start.position, request);
    if (delivery.tells === 'quiet') return poll.quiet(delivery.end);
    return streamCatchUp(start.token, delivery.steps, [], {
      onEvent: services.eventRooms.note,
      isRaw,
      nowMs: clock.now(),
    });
  }

  async function refuseUnreadable({ account, userId }: Session, roomId: RoomId): Promise<void> {
    const asked = { account, kind: await services.kind(), roomId };
    const access = await readRoomAccess(asked, userId);
    // Who left sees the room as it was; its stream goes on only where anybody may read it.
    const mayRead = access === 'left' ? await isWorldReadable(asked) : access;
    if (mayRead === undefined || mayRead === false) throw notReadable();
  }

  /**
   * Returns the place where the client goes on: the first poll after a snapshot of the room goes on where the
   * snapshot ended.
   */
  async function readStart(roomId: RoomId, from: string | undefined, poll: LongPoll): Promise<PollStart> {
    const { key, account } = poll.session;
    if (from !== undefined) return { token: from, position: await positionOf(from, poll) };
    const snapshot = services.cursors.snapshot(key, roomId);
    if (snapshot !== undefined) {
      const position = await positionOf(snapshot, poll).catch(orNowhere);
      if (position !== undefined) return { token: snapshot, position };
    }
    const readNow = () => services.readNow(account, { setPresence: 'online', roomId });
    const syncToken = await poll.retryBudget.retryUntilDeadline(readNow);
    return { token: syncToken, position: { syncToken } };
  }

  async function positionOf(
    token: string,
    { session: { account }, retryBudget }: LongPoll,
  ): Promise<StreamPosition> {
    const kind = await retryBudget.retryUntilDeadline(services.kind);
    return retryBudget.retryUntilDeadline(() => readPosition(token, { account, kind }));
  }

  return async (call) => {
    const roomId = queryOf(call.request).get('room_id') as RoomId;
    const query = readEventsQuery(queryOf(call.request), services);
    return holdLongPoll(call, { ...query, roomId }, services, async (poll) => {
      try {
        return await peekEvents(roomId, query, poll);
      } catch (error) {
        const isForbidden = error instanceof MatrixError && (error.status === 403 || error.status === 404);
        throw isForbidden ? notReadable() : error;
      }
    });
  };
};

/**
 * Gives up a snapshot's end that is no position: where a room was left is a place in the room, and not every
 * homeserver tells its place in the stream.
 */
function orNowhere(error: unknown): undefined {
  if (!(error instanceof MatrixError) || isTransient(error)) throw error;
}

/** Makes the error for a room that cannot be read, the same for a private room and one that does not exist. */
const notReadable = (): MatrixError => new MatrixError(403, 'M_FORBIDDEN', 'Non-joined access not allowed');
