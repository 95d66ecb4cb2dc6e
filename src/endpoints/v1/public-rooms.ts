import type { Caller, Nobody } from '../../homeserver/homeserver.ts';
import { createTurns, type Turns } from '../../http/turns.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import { roomsIn, toV1PublicRoom, toV1PublicRooms } from '../../translate/v1-public-rooms.ts';
import { replyWhileItComes } from '../streamed-reply.ts';
import { plainQueryOf } from './body.ts';
import type { V1Endpoint, V1EndpointOptions } from './route.ts';

const PAGE_LIMIT = 500;
/** Of one answer: 100,000 rooms. */
const MOST_PAGES = 200;
/** One after the other; a directory may hide rooms from some, but not that many. */
const MOST_EMPTY_PAGES = 3;

/**
 * The turns at reading the whole directory, which anybody may do where it is open: the owner is the session, or the address
 * of who has none.
 */
export function createDirectoryTurns(): Turns {
  return createTurns({
    most: 8,
    mostOfOne: 2,
    waitMs: 60_000,
    refusal: () =>
      new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many read the room directory at once, try again later', {
        retry_after_ms: 10_000,
      }),
  });
}

/**
 * `GET /publicRooms` of api/v1, which had no pages: all of today's, one after the other, a page in memory at a time. Who
 * asks for a page, by `limit` or `since`, gets one.
 *
 * Differs: the list of 2014 ends after 200 pages of today's directory. Natively it had all rooms of the server.
 *
 * @see reference/native.md §9
 */
export function createPublicRooms({ homeserver, sessions, directoryTurns }: V1EndpointOptions): V1Endpoint {
  return async ({ request, reply, signal }) => {
    const caller = sessions.callerIfAny(request);
    const query = plainQueryOf(request);
    if (query.has('limit') || query.has('since'))
      return toV1PublicRooms(await readPage(caller, query, signal));
    const end = await directoryTurns.enter(sessions.shareOf(caller), signal);
    try {
      await replyWhileItComes(request, reply, writeAllPages(caller, query, signal));
    } finally {
      end();
    }
    return reply;
  };

  function readPage(
    caller: Caller | Nobody,
    query: URLSearchParams,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    return homeserver.request(caller, { method: 'GET', path: 'publicRooms', query }, signal);
  }

  async function* writeAllPages(
    caller: Caller | Nobody,
    query: URLSearchParams,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void> {
    query.set('limit', String(PAGE_LIMIT));
    let page = await readPage(caller, query, signal);
    yield Buffer.from('{"start":"START","end":"END","chunk":[');
    let separator = '';
    let empty = 0;
    const asked = new Set<string>();
    for (let pages = 1; ; pages += 1) {
      const rooms = roomsIn(page).map((room) => JSON.stringify(toV1PublicRoom(room)));
      if (rooms.length > 0) {
        yield Buffer.from(separator + rooms.join(','));
        separator = ',';
      }
      empty = rooms.length > 0 ? 0 : empty + 1;
      const since = page['next_batch'];
      if (typeof since !== 'string' || pages === MOST_PAGES || empty === MOST_EMPTY_PAGES) break;
      // A directory that comes round would never end.
      if (asked.has(since)) break;
      asked.add(since);
      query.set('since', since);
      page = await readPage(caller, query, signal);
    }
    yield Buffer.from(']}');
  }
}
