import { Readable } from 'node:stream';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Step } from '../cursors/catch-up.ts';
import type { EventStream, StreamPosition } from '../cursors/event-stream.ts';
import { createPatience, type Patience } from '../cursors/poll.ts';
import { resolveForSync } from '../cursors/resolve-token.ts';
import { decodeCatchUpToken, isOwnToken } from '../cursors/stream-position.ts';
import type { Homeserver } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import type { Clock } from '../http/clock.ts';
import { queryOf } from '../http/query.ts';
import type { ClientEvent } from '../matrix/client-event.ts';
import { isTransient, MatrixError } from '../matrix/errors.ts';
import type { Milliseconds, RoomId, SyncToken } from '../matrix/identifiers.ts';
import type { LegacyEvent } from '../matrix/legacy.ts';
import { readLimit, readTimeout } from '../matrix/query.ts';
import { mergeTimelines, type PendingRoom, type StreamUpdate } from '../translate/events.ts';
import { toLegacyInvite } from '../translate/invite.ts';
import { toLegacyEvent } from '../translate/legacy-event.ts';
import { nowFilter } from '../translate/sync-filter.ts';
import { readInviteNotifications } from './invite-notifications.ts';
import { Released, type ParkedPolls } from './parked-polls.ts';
import type { Session, SessionReader } from './session.ts';

export interface EventsOptions {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  stream: EventStream;
  sessions: SessionReader;
  parkedPolls: ParkedPolls;
  clock: Clock;
  /** Room events in an answer where the client names no limit. */
  eventsLimit: number;
  maxPollTimeoutMs: Milliseconds;
  /** Answers `?room_id=`, which is another endpoint at the same path. */
  peekEvents: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}

interface EventsQuery {
  from: string | undefined;
  timeoutMs: Milliseconds;
  limit: number;
  isRaw: boolean;
}

/**
 * `GET /events`: the long poll of a user's whole stream.
 *
 * @see matrix-spec data/api/client-server/old_sync.yaml (getEvents)
 * @see reference/native.md §2
 */
export const events: FastifyPluginAsync<EventsOptions> = async (app, options) => {
  const { homeserver, kind, stream, sessions, parkedPolls, clock } = options;

  app.get('/events', { exposeHeadRoute: false }, async (request, reply) => {
    const query = queryOf(request);
    if ((query.get('room_id') ?? '') !== '') return options.peekEvents(request, reply);
    const session = await sessions.sessionOf(request);
    if (session.isGuest) throw new MatrixError(400, 'M_UNKNOWN', 'Guest users must specify room_id param');
    return sessions.withSession(session, () =>
      getEvents(session, readEventsQuery(query, options), request, reply),
    );
  });

  app.head('/events', async (request, reply) => {
    await sessions.checkedSessionOf(request);
    return reply.type('application/json').send();
  });

  async function getEvents(
    session: Session,
    query: EventsQuery,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const place = parkedPolls.park(session.key);
    const signal = AbortSignal.any([request.signal, place.signal]);
    const patience = createPatience(query.timeoutMs, clock, signal);
    reply.raw.once('close', place.leave);
    reply.type('application/json');
    let start = query.from;
    try {
      const position =
        query.from === undefined
          ? { token: await patience.outlast(() => readNow(session, signal)) }
          : await readPosition(query.from, session, patience, signal);
      start = position.token;
      const { limit, isRaw } = query;
      const delivery = await stream.follow({ session, position, limit, isRaw, patience, signal });
      if (delivery.kind === 'quiet') return JSON.stringify({ chunk: [], start, end: delivery.end });
      const toLegacy = (event: ClientEvent, roomId: RoomId) =>
        toLegacyEvent(event, roomId, clock.now(), { format: isRaw ? 'federation' : 'client' });
      if (delivery.kind === 'update') {
        const { update, end } = delivery;
        const roomEvents = mergeTimelines(update.rooms).map(({ event, roomId }) => toLegacy(event, roomId));
        return JSON.stringify({
          chunk: [...roomEvents, ...(await readRest(update, session, signal))],
          start,
          end,
        });
      }
      const { firstUpdate, steps } = delivery;
      const rest = firstUpdate === undefined ? [] : await readRest(firstUpdate, session, signal);
      return Readable.from(writeCatchUp(start, steps, rest, toLegacy), { objectMode: false });
    } catch (error) {
      // An old client stops for ever at an error, so it gets what it has: nothing new, and its own token.
      const canWait = query.timeoutMs > 0 && isTransient(error);
      if (start !== undefined && (canWait || (place.signal.aborted && error instanceof Released))) {
        return JSON.stringify({ chunk: [], start, end: start });
      }
      throw error;
    }
  }

  /** The newest position; on homeservers that filter rooms it costs them nearly nothing. */
  async function readNow(session: Session, signal: AbortSignal): Promise<SyncToken> {
    nowVariant = (nowVariant + 1) % 1024;
    const query = { filter: nowFilter(nowVariant), timeoutMs: 0, setPresence: 'online' } as const;
    return (await homeserver.sync(session.caller, query, signal)).next_batch;
  }

  async function readPosition(
    from: string,
    { caller }: Session,
    signal: AbortSignal,
  ): Promise<StreamPosition> {
    const homeserverKind = await patience.outlast(kind);
    if (homeserverKind.isSyncToken(from)) return { token: from as SyncToken };
    const catchUp = decodeCatchUpToken(from);
    if (catchUp !== undefined) {
      const { isSyncToken, isMessagesToken } = homeserverKind;
      const isPossible = isSyncToken(catchUp.from) && isSyncToken(catchUp.to);
      if (isPossible && (catchUp.page === null || isMessagesToken(catchUp.page)))
        return { token: from, catchUp };
    } else {
      const token = isOwnToken(from)
        ? await resolveForSync(from, { homeserver, kind: homeserverKind, caller, signal })
        : homeserverKind.toSyncToken(from);
      if (token !== undefined) return { token };
    }
    throw new MatrixError(400, 'M_UNKNOWN', "'from' parameter is invalid");
  }

  /** What is not room history: invites, presence, typing, receipts, account data. */
  async function readRest(update: StreamUpdate, session: Session, signal: AbortSignal): Promise<unknown[]> {
    const { caller, userId } = session;
    const invited = update.pendingRooms
      .filter(({ membership }) => membership === 'invite')
      .map(({ roomId }) => roomId);
    const notified = await readInviteNotifications({ homeserver, caller, userId, invited, signal });
    const toInvite = ({ roomId, strippedState, membership }: PendingRoom): LegacyEvent =>
      toLegacyInvite({
        roomId,
        strippedState,
        membership,
        userId,
        notification: notified.get(roomId),
        nowMs: clock.now(),
      }).invite;
    return [...update.pendingRooms.map(toInvite), ...update.ephemeral];
  }
};

// Two polls that ask for *now* must not get one cached answer.
let nowVariant = 0;

/** A catch-up's answer as JSON text, a page at a time: whoever reads it sets the pace. */
async function* writeCatchUp(
  start: string,
  steps: AsyncGenerator<Step, string>,
  rest: readonly unknown[],
  toLegacy: (event: ClientEvent, roomId: RoomId) => LegacyEvent,
): AsyncGenerator<string> {
  yield `{"start":${JSON.stringify(start)},"chunk":[`;
  let separator = '';
  for (let step = await steps.next(); ; step = await steps.next()) {
    if (step.done === true) {
      if (rest.length > 0) yield separator + rest.map((event) => JSON.stringify(event)).join();
      yield `],"end":${JSON.stringify(step.value)}}`;
      return;
    }
    const { events, roomId } = step.value;
    yield separator + events.map((event) => JSON.stringify(toLegacy(event, roomId))).join();
    separator = ',';
  }
}

/** No `from`, an empty one and `END` mean now. Throws native's words for what is no integer. */
function readEventsQuery(
  query: URLSearchParams,
  { eventsLimit, maxPollTimeoutMs }: EventsOptions,
): EventsQuery {
  const from = query.get('from') ?? '';
  const limit = readLimit(query, 0);
  return {
    from: from === '' || from === 'END' ? undefined : from,
    timeoutMs: readTimeout(query, maxPollTimeoutMs),
    limit: limit === 0 ? eventsLimit : limit,
    isRaw: query.has('raw'),
  };
}
