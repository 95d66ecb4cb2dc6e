import type { MessagesQuery } from '../../homeserver/homeserver.ts';
import { PAGE_LIMIT } from '../../homeserver/messages-page.ts';
import { readOrRefuse } from '../../homeserver/unreadable-answer.ts';
import { queryOf } from '../../http/query.ts';
import type { EventId, RoomId } from '../../matrix/identifiers.ts';
import { readLimit } from '../../matrix/query.ts';
import { LegacyEventBytes } from '../../translate/legacy-event-bytes.ts';
import type { CreateEndpoint, SessionCall } from '../route.ts';

/**
 * `GET /rooms/{roomId}/backfill` → events before those of `v`, or the newest, as a list: newest first, at most `limit`.
 * It also made the homeserver ask others for more, as `/messages` does by itself today.
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export const createBackfill: CreateEndpoint<SessionCall> =
  ({ clock }) =>
  async ({ request, reply, params, session: { account } }) => {
    const roomId = params[0] as RoomId;
    const query = queryOf(request);
    const before = query.get('v');
    const page: MessagesQuery = { dir: 'b', limit: Math.min(readLimit(query, 10), PAGE_LIMIT) };
    if (before !== null) {
      const { start } = await account.context(roomId, before as EventId);
      if (typeof start === 'string') page.from = start;
    }
    const { events } = await account.messagesPage(roomId, page);
    reply.type('application/json');
    return readOrRefuse(() => new LegacyEventBytes(roomId, clock.now()).toList(events));
  };
