import type { FastifyPluginAsync } from 'fastify';
import type { EventRooms } from '../caches/event-rooms.ts';
import type { Homeserver } from '../homeserver/homeserver.ts';
import { readOrRefuse } from '../homeserver/unreadable-answer.ts';
import type { Clock } from '../scheduling/clock.ts';
import { pathOf } from '../http/raw-url.ts';
import type { Turns } from '../scheduling/turns.ts';
import { HomeserverError, MatrixError, unrecognized } from '../matrix/errors.ts';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import { LegacyEventBytes } from '../translate/legacy-event-bytes.ts';
import { answerGet } from './session/route.ts';
import type { Session, SessionReader } from './session/session.ts';

export interface EventOptions {
  homeserver: Homeserver;
  sessions: SessionReader;
  eventRooms: EventRooms;
  /** A turn for each room that a search asks; the session is the owner. */
  callTurns: Turns;
  clock: Clock;
}

/** A search asks at most so many rooms. */
const MOST_ROOMS = 200;

/**
 * `GET /events/{eventId}`: one event without being told its room.
 *
 * Asked where the event was last seen, else in the caller's joined rooms, most recently active first, up to a bound. Each
 * answer is fetched with the caller's own access token.
 *
 * Differs: an unknown event is an error object. Natively it is the bare JSON string "Event not found.".
 * Differs: an event that is not the caller's to see is 404. Natively 403, which tells that it exists.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/old_sync.yaml (getOneEvent)
 * @see docs/reference/synapse-legacy.md#one-event
 */
export const event: FastifyPluginAsync<EventOptions> = async (app, options) => {
  const { homeserver, sessions, eventRooms, clock } = options;

  app.addHook('onRequest', async ({ raw }) => {
    // Natively an event id holds no slash, but it may be empty.
    const rawPath = pathOf(raw.url ?? '');
    if (raw.method !== 'OPTIONS' && rawPath.endsWith('/') && !rawPath.endsWith(PLACE)) throw unrecognized();
  });

  answerGet(app, '/events/*', sessions, async (request, reply) => {
    const rawPath = pathOf(request.raw.url ?? '');
    const eventId = readEventId(rawPath);
    const session = await sessions.sessionOf(request);
    if (session.isGuest) throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guest access not allowed');
    if (eventId === '') throw eventNotFound();
    reply.type('application/json');
    return sessions.withSession(session, () => getOneEvent(session, eventId, request.signal));
  });

  async function getOneEvent(session: Session, eventId: EventId, signal: AbortSignal): Promise<Buffer> {
    const remembered = eventRooms.roomOf(eventId);
    const found =
      (remembered === undefined ? undefined : await readFrom(remembered, session, eventId, signal)) ??
      (await search(session, eventId, remembered, signal));
    if (found === undefined) throw eventNotFound();
    eventRooms.note(eventId, found.roomId);
    const events = new LegacyEventBytes(found.roomId, clock.now());
    return readOrRefuse(() => events.toLegacy(found.event));
  }

  async function search(session: Session, eventId: EventId, asked: RoomId | undefined, signal: AbortSignal) {
    const joined = (await homeserver.joinedRooms(session.caller, signal)).filter(
      (roomId) => roomId !== asked,
    );
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    let found: { roomId: RoomId; event: Buffer } | undefined;
    const searches = eventRooms
      .byActivity(joined)
      .slice(0, MOST_ROOMS)
      .map(async (roomId) => {
        const end = await options.callTurns.enter(session.key, either);
        const hit = await readFrom(roomId, session, eventId, either).finally(end);
        if (hit === undefined || found !== undefined) return;
        found = hit;
        stop.abort();
      });
    const results = await Promise.allSettled(searches);
    signal.throwIfAborted();
    // A room that could not be asked may be the one: not finding the event elsewhere is then no answer.
    const failed = results.find((result) => result.status === 'rejected');
    if (found === undefined && failed !== undefined) throw failed.reason;
    return found;
  }

  async function readFrom(roomId: RoomId, { caller }: Session, eventId: EventId, signal: AbortSignal) {
    try {
      return { roomId, event: await homeserver.event(caller, roomId, eventId, signal) };
    } catch (error) {
      if (error instanceof HomeserverError && (error.status === 403 || error.status === 404))
        return undefined;
      throw error;
    }
  }
};

/** The rest of the raw path, which may hold `/` and `+` as they are, or escaped. */
function readEventId(rawPath: string): EventId {
  const escaped = rawPath.slice(rawPath.indexOf(PLACE) + PLACE.length);
  try {
    return decodeURIComponent(escaped) as EventId;
  } catch {
    return escaped as EventId;
  }
}

const PLACE = '/events/';

const eventNotFound = (): MatrixError => new MatrixError(404, 'M_NOT_FOUND', 'Event not found.');
