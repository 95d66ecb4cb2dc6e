import { MatrixError } from '../../../../src/matrix/errors.ts';
import type { ContextResponse } from '../../../../src/matrix/sync.ts';
import type { RoomId } from '../../../../src/matrix/identifiers.ts';
import type { Call } from '../../../../src/sandbox/routes/route.ts';
import { decodeToken, isRoomPosition } from '../../../../src/sandbox/tokens.ts';
import { dendriteMessages } from './dendrite-messages.ts';
import { dendriteSync } from './dendrite-sync.ts';
import { toMessagesToken, toSyncToken } from './dendrite-tokens.ts';
import type { Play, Played } from './play.ts';
import { alsoGet, type Change, changeRoutes, named } from './changed-routes.ts';

const R0_VERSIONS = ['0.1', '1.0', '2.0', '3.0', '4.0', '5.0', '6.1'].map((version) => `r0.${version}`);
/** There never was a v1.0. @see docs/reference/homeservers.md#legacy-endpoints */
const DENDRITES_VERSIONS = [...R0_VERSIONS, 'v1.0', 'v1.1', 'v1.2'];

/**
 * Dendrite: its tokens, its `/sync` and `/messages`, and what it refuses to who only looks. Its answers to the legacy
 * endpoints are 200, and hold nothing.
 *
 * @see docs/reference/homeservers.md#legacy-endpoints
 * @see docs/reference/homeservers.md#single-rooms
 */
export const playDendrite: Play = (routes, played) => {
  const joined: Change = (own) => (call) => {
    refuseStrangers(played, call);
    return own(call);
  };
  const messages = limited(played, (call) => dendriteMessages(played, call));
  return [
    ...changeRoutes(routes, {
      ...named('Dendrite', {
        toClients: false,
        isFederating: () => played.faults.isFederating,
        withoutFederation: new MatrixError(404, 'M_UNRECOGNIZED', 'Unrecognized request'),
        versions: DENDRITES_VERSIONS,
      }),
      '/sync': (own) => dendriteSync(played, own),
      '/rooms/:roomId/messages': () => messages,
      '/rooms/:roomId/context/:eventId': (own) => async (call) =>
        withTokens(played, call, (await own(call)) as ContextResponse),
      '/rooms/:roomId/state/:type': joined,
      '/rooms/:roomId/state/:type/:stateKey': joined,
      '/rooms/:roomId/members': joined,
      '/rooms/:roomId/joined_members': joined,
      '/_matrix/client/v1/room_summary/:roomId': undefined,
    }),
    alsoGet('/events', () => ({ chunk: [], start: '', end: '' })),
    alsoGet('/initialSync', () => ({ end: '' })),
    alsoGet('/rooms/:roomId/initialSync', () => {
      throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guest access not implemented');
    }),
  ];
};

function refuseStrangers({ homeserver }: Played, { session, params }: Call): void {
  const room = homeserver.rooms.get(params['roomId'] as RoomId);
  const member = room?.membershipEvent(session.user.userId);
  const wasIn =
    member !== undefined && ['join', 'leave', 'ban'].includes(String(member.content['membership']));
  if (!wasIn)
    throw new MatrixError(403, 'M_FORBIDDEN', 'user has never joined this room or was forcefully kicked');
}

/** @see docs/reference/homeservers.md#messages */
function limited({ faults }: Played, handle: (call: Call) => unknown): (call: Call) => unknown {
  const COOL_OFF_MS = 500;
  const times = new Map<string, number[]>();
  return (call) => {
    const now = performance.now();
    const recent = (times.get(call.session.accessToken) ?? []).filter((at) => at > now - COOL_OFF_MS);
    if (recent.length >= faults.messagesAtOnce)
      throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'You are sending too many requests too quickly!', {
        retry_after_ms: COOL_OFF_MS,
      });
    times.set(call.session.accessToken, [...recent, now]);
    return handle(call);
  };
}

/** Behind the newest event the token is empty, and before the first one. */
function withTokens(
  { homeserver }: Played,
  { params }: Call,
  { start, end, ...context }: ContextResponse,
): object {
  const toForeign = (token: string) => {
    const position = decodeToken(token, 'no token of the sandbox');
    return isRoomPosition(position) ? toMessagesToken(position) : toSyncToken(homeserver, position.stream);
  };
  const room = homeserver.rooms.get(params['roomId'] as RoomId);
  const isAtTip = end && decodeToken(end, '').stream === room?.timeline.byArrival.at(-1)?.stream;
  const isFirst = context.event?.type === 'm.room.create';
  return {
    ...context,
    start: isFirst ? '' : start && toForeign(start),
    end: isAtTip ? '' : end && toForeign(end),
  };
}
