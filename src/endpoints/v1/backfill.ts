import type { MessagesQuery } from '../../homeserver/homeserver.ts';
import { readOrRefuse } from '../../homeserver/unreadable-answer.ts';
import { queryOf } from '../../http/query.ts';
import type { EventId, RoomId } from '../../matrix/identifiers.ts';
import { readLimit } from '../../matrix/query.ts';
import { LegacyEventBytes } from '../../translate/legacy-event-bytes.ts';
import type { V1Endpoint, V1EndpointOptions } from './route.ts';
import { PAGE_LIMIT } from '../../homeserver/messages-page.ts';

/**
 * `GET /rooms/{roomId}/backfill` → events before those of `v`, or the newest, as a list: newest first, at most `limit`.
 * It also made the homeserver ask others for more, as `/messages` does by itself today.
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export function createBackfill({ homeserver, sessions, clock }: V1EndpointOptions): V1Endpoint {
  return async ({ request, reply, params, signal }) => {
    const session = await sessions.sessionOf(request);
    const roomId = params[0] as RoomId;
    const query = queryOf(request);
    const limit = Math.min(readLimit(query, 10), PAGE_LIMIT);
    const before = query.get('v');
    const { caller } = session;
    const { events } = await sessions.withSession(session, async () => {
      const page: MessagesQuery = { dir: 'b', limit };
      if (before !== null) {
        const { start } = await homeserver.context(caller, roomId, before as EventId, signal);
        if (typeof start === 'string') page.from = start;
      }
      return homeserver.messagesPage(caller, roomId, page, signal);
    });
    reply.type('application/json');
    return readOrRefuse(() => new LegacyEventBytes(roomId, clock.now()).toList(events));
  };
}
