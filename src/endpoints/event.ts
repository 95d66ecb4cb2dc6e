import type { Account } from '../homeserver/homeserver.ts';
import { readOrRefuse } from '../homeserver/unreadable-answer.ts';
import { pathOf } from '../http/raw-url.ts';
import { isRefusal, MatrixError } from '../matrix/errors.ts';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import { LegacyEventBytes } from '../translate/legacy-event-bytes.ts';
import type { CreateEndpoint, SessionCall } from './route.ts';
import type { Session } from './session/session.ts';

/** A search asks at most so many rooms. */
const MOST_ROOMS = 200;

/**
 * `GET /events/{eventId}`: one event without being told its room.
 *
 * Asked where the event was last seen, else in the caller's joined rooms, most recently active first, up to a bound. Each
 * answer is fetched with the caller's own access token.
 *
 * Differs: unknown-events-are-errors, hidden-events-are-404
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/old_sync.yaml (getOneEvent)
 * @see docs/reference/synapse-legacy.md#one-event
 */
export const createGetOneEvent: CreateEndpoint<SessionCall> = (services) => {
  const { eventRooms, callTurns, clock } = services;

  async function getOneEvent(session: Session, eventId: EventId): Promise<Buffer> {
    const remembered = eventRooms.roomOf(eventId);
    const found =
      (remembered === undefined ? undefined : await readFrom(remembered, session.account, eventId)) ??
      (await search(session, eventId, remembered));
    if (found === undefined) throw eventNotFound();
    eventRooms.note(eventId, found.roomId);
    const events = new LegacyEventBytes(found.roomId, clock.now());
    return readOrRefuse(() => events.toLegacy(found.event));
  }

  async function search({ key, account }: Session, eventId: EventId, asked: RoomId | undefined) {
    const joined = (await account.joinedRooms()).filter((roomId) => roomId !== asked);
    const stop = new AbortController();
    const either = AbortSignal.any([account.signal, stop.signal]);
    let found: { roomId: RoomId; event: Buffer } | undefined;
    const searches = eventRooms
      .byActivity(joined)
      .slice(0, MOST_ROOMS)
      .map(async (roomId) => {
        const end = await callTurns.enter(key, either);
        const hit = await readFrom(roomId, account.until(either), eventId).finally(end);
        if (hit === undefined || found !== undefined) return;
        found = hit;
        stop.abort();
      });
    const results = await Promise.allSettled(searches);
    account.signal.throwIfAborted();
    // A room that could not be asked may be the one: not finding the event elsewhere is then no answer.
    const failed = results.find((result) => result.status === 'rejected');
    if (found === undefined && failed !== undefined) throw failed.reason;
    return found;
  }

  async function readFrom(roomId: RoomId, account: Account, eventId: EventId) {
    try {
      return { roomId, event: await account.event(roomId, eventId) };
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }

  return async ({ request, reply, session }) => {
    const eventId = readEventId(pathOf(request.raw.url ?? ''));
    if (eventId === '') throw eventNotFound();
    reply.type('application/json');
    return getOneEvent(session, eventId);
  };
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
