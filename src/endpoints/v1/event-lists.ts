import { piecesOrRefuse } from '../../homeserver/unreadable-answer.ts';
import { toRawPath } from '../../http/raw-url.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { toLegacyEvents, type EventListContext } from '../../translate/v1-event-lists.ts';
import type { Endpoint, SessionCall } from '../route.ts';
import type { Services } from '../services.ts';
import { replyWhileItComes } from '../streamed/streamed-reply.ts';
import { plainQueryOf } from './body.ts';

/**
 * `/rooms/{roomId}/` `state`, `members`, `context/{eventId}`, `event/{eventId}`: the homeserver's, with legacy events, which
 * are in these places of the answer.
 */
export function createEventLists(
  { clock }: Services,
  what: 'state' | 'members' | 'context' | 'event',
  places: EventListContext['places'],
): Endpoint<SessionCall> {
  return async ({ request, reply, session, params: [roomId = '', ...rest] }) => {
    const path = toRawPath('rooms', roomId, what, ...rest);
    const call = { method: 'GET', path, query: plainQueryOf(request) } as const;
    const answer = await session.account.streamRequest(call);
    const context = { places, roomId: roomId as RoomId, nowMs: clock.now() };
    await replyWhileItComes(request, reply, piecesOrRefuse(toLegacyEvents(answer, context)));
    return reply;
  };
}
