import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EventRooms } from '../../caches/event-rooms.ts';
import type { ReadNow } from '../../follow/now.ts';
import type { StreamPosition } from '../../tokens/read-position.ts';
import type { PeekStream } from '../../follow/peek-stream.ts';
import { checkToken, readPosition } from '../../tokens/read-position.ts';
import type { SessionCursors } from '../../follow/session-cursors.ts';
import type { Homeserver } from '../../homeserver/homeserver.ts';
import type { HomeserverKind } from '../../homeserver/kinds/kind.ts';
import type { Clock } from '../../scheduling/clock.ts';
import { queryOf } from '../../http/query.ts';
import { isTransient, MatrixError } from '../../matrix/errors.ts';
import type { Milliseconds, RoomId } from '../../matrix/identifiers.ts';
import { streamCatchUp } from '../events/events-answer.ts';
import { readEventsQuery, type EventsQuery } from '../events/events-query.ts';
import { holdLongPoll, type LongPoll } from '../events/long-poll.ts';
import type { ParkedPolls } from '../session/parked-polls.ts';
import { isWorldReadable, readRoomAccess } from './room-access.ts';
import type { Session, SessionReader } from '../session/session.ts';

export interface PeekEventsOptions {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  peeks: PeekStream;
  readNow: ReadNow;
  cursors: SessionCursors;
  sessions: SessionReader;
  parkedPolls: ParkedPolls;
  eventRooms: EventRooms;
  clock: Clock;
  eventsLimit: number;
  maxPollTimeoutMs: Milliseconds;
}

/**
 * `GET /events?room_id=`: the long poll of one room, also for users and guests who have not joined it.
 *
 * Differs: with `room_id` there are room events only. Natively typing, receipts and presence come as well, and of a
 * member's account all tags and account data; no modern endpoint tells a peeker of them.
 * Differs: a room that turns unreadable while a poll waits is 403 at once. Natively that change itself is still shown.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/peeking_events.yaml (peekEvents)
 * @see docs/reference/synapse-legacy.md#peeking
 */
export function createPeekEvents(
  options: PeekEventsOptions,
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  const { homeserver, sessions, clock } = options;

  async function peekEvents(
    session: Session,
    roomId: RoomId,
    query: EventsQuery,
    poll: LongPoll,
  ): Promise<string | object> {
    const { limit, isRaw } = query;
    const { patience, signal } = poll;
    if (query.to !== undefined) checkToken('to', query.to, await patience.outlast(options.kind));
    const refuse = () => refuseUnreadable(session, roomId, signal);
    // Both at once: *now* is the moment when the poll came, not the one after some look-ups.
    const [position] = await Promise.all([readStart(session, roomId, poll), patience.outlast(refuse)]);
    const start = poll.start ?? '';
    const request = { session, token: start, limit, isRaw, patience, signal, refuseUnreadable: refuse };
    const delivery = await options.peeks.follow(roomId, position, request);
    if (delivery.kind === 'quiet') return poll.quiet(delivery.end);
    return streamCatchUp(start, delivery.steps, [], {
      onEvent: options.eventRooms.note,
      isRaw,
      nowMs: clock.now(),
    });
  }

  async function refuseUnreadable(session: Session, roomId: RoomId, signal: AbortSignal): Promise<void> {
    const asked = { homeserver, kind: await options.kind(), caller: session.caller, roomId, signal };
    const access = await readRoomAccess(asked, session.userId);
    // Who left sees the room as it was; its stream goes on only where anybody may read it.
    const mayRead = access === 'left' ? await isWorldReadable(asked) : access;
    if (mayRead === undefined || mayRead === false) throw notReadable();
  }

  /** Where the client goes on; the first poll after a look at the room goes on where that ended. */
  async function readStart(session: Session, roomId: RoomId, poll: LongPoll): Promise<StreamPosition> {
    if (poll.start !== undefined) return positionOf(poll.start, session, poll);
    const snapshot = options.cursors.snapshot(session.key, roomId);
    if (snapshot !== undefined) {
      const position = await positionOf(snapshot, session, poll).catch(orNowhere);
      if (position !== undefined) {
        poll.start = snapshot;
        return position;
      }
    }
    const { patience, signal } = poll;
    const syncToken = await patience.outlast(() =>
      options.readNow(session.caller, { setPresence: 'online', roomId, signal }),
    );
    poll.start = syncToken;
    return { syncToken };
  }

  async function positionOf(
    token: string,
    { caller }: Session,
    { patience, signal }: LongPoll,
  ): Promise<StreamPosition> {
    const kind = await patience.outlast(options.kind);
    return patience.outlast(() => readPosition(token, { homeserver, kind, caller, signal }));
  }

  return async (request, reply) => {
    const session = await sessions.sessionOf(request);
    const roomId = queryOf(request).get('room_id') as RoomId;
    const query = readEventsQuery(queryOf(request), options);
    const { from, timeoutMs } = query;
    return sessions.withSession(session, () =>
      holdLongPoll({ request, reply, session, from, timeoutMs, roomId }, options, async (poll) => {
        try {
          return await peekEvents(session, roomId, query, poll);
        } catch (error) {
          const isForbidden = error instanceof MatrixError && (error.status === 403 || error.status === 404);
          throw isForbidden ? notReadable() : error;
        }
      }),
    );
  };
}

/** Where a room was left is a place in it, which not every homeserver can tell the place in the stream of. */
function orNowhere(error: unknown): undefined {
  if (!(error instanceof MatrixError) || isTransient(error)) throw error;
}

/** The same for rooms that are private and rooms that do not exist. */
const notReadable = (): MatrixError => new MatrixError(403, 'M_FORBIDDEN', 'Non-joined access not allowed');
