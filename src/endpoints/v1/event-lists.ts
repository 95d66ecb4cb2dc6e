import { piecesOrRefuse } from '../../homeserver/unreadable-answer.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { toLegacyEvents, type EventListContext } from '../../translate/v1-event-lists.ts';
import { replyWhileItComes } from '../streamed/streamed-reply.ts';
import { toRawPath } from '../../http/raw-url.ts';
import { plainQueryOf } from './body.ts';
import { fillStars } from './room-actions.ts';
import type { V1Endpoint, V1EndpointOptions } from './route.ts';

/** `/rooms/{roomId}/` `state`, `members`, `context/{eventId}`, `event/{eventId}`: the homeserver's, with legacy events. */
export function createEventLists({ homeserver, sessions, clock }: V1EndpointOptions): V1Endpoint {
  return async ({ route, request, reply, params, signal }) => {
    const session = await sessions.sessionOf(request);
    const path = toRawPath(...fillStars(route.path, params));
    const call = { method: 'GET', path, query: plainQueryOf(request) } as const;
    const answer = await sessions.withSession(session, () =>
      homeserver.streamRequest(session.caller, call, signal),
    );
    const context = { places: placesOf(route.path), roomId: params[0] as RoomId, nowMs: clock.now() };
    await replyWhileItComes(request, reply, piecesOrRefuse(toLegacyEvents(answer, context)));
    return reply;
  };
}

function placesOf(path: string): EventListContext['places'] {
  if (path.endsWith('/state')) return 'list';
  return path.includes('/event/') ? 'event' : 'object';
}
