import type { Caller, Nobody } from '../../homeserver/homeserver.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { roomsIn, toV1PublicRoom, toV1PublicRooms } from '../../translate/v1-public-rooms.ts';
import { replyWhileItComes } from '../streamed-reply.ts';
import { plainQueryOf } from './body.ts';
import type { V1Endpoint, V1EndpointOptions } from './route.ts';

const PAGE_LIMIT = 500;
/** Against a directory that never ends. */
const MOST_PAGES = 1000;

/**
 * `GET /publicRooms` of api/v1, which had no pages: all of today's, one after the other, a page in memory at a time. Who
 * asks for a page, by `limit` or `since`, gets one.
 *
 * @see reference/native.md §9
 */
export function createPublicRooms({ homeserver, sessions }: V1EndpointOptions): V1Endpoint {
  return async ({ request, reply, signal }) => {
    const caller = sessions.callerIfAny(request);
    const query = plainQueryOf(request);
    if (query.has('limit') || query.has('since'))
      return toV1PublicRooms(await readPage(caller, query, signal));
    await replyWhileItComes(request, reply, writeAllPages(caller, query, signal));
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
    for (let pages = 1; ; pages += 1) {
      const rooms = roomsIn(page).map((room) => JSON.stringify(toV1PublicRoom(room)));
      if (rooms.length > 0) {
        yield Buffer.from(separator + rooms.join(','));
        separator = ',';
      }
      const since = page['next_batch'];
      if (typeof since !== 'string' || pages === MOST_PAGES) break;
      query.set('since', since);
      page = await readPage(caller, query, signal);
    }
    yield Buffer.from(']}');
  }
}
