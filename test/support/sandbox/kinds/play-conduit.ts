import { isMembershipOf, type ClientEvent } from '../../../../src/matrix/client-event.ts';
import { MatrixError } from '../../../../src/matrix/errors.ts';
import type { UserId } from '../../../../src/matrix/identifiers.ts';
import type { ContextResponse, RoomUpdate, SyncResponse } from '../../../../src/matrix/sync.ts';
import type { Call, Route } from '../../../../src/sandbox/routes/route.ts';
import { encodeSyncToken } from '../../../../src/sandbox/tokens.ts';
import { counterMessages, readCounter, toCounterContext, toCounterSync } from './counter-answers.ts';
import type { Play, Played } from './play.ts';
import { alsoGet, changeRoutes, named, withQuery } from './changed-routes.ts';

const LONGEST_POLL_MS = 30_000;

/**
 * Conduit: it filters nothing, timelines hold ten events, and a device has one sync, which is remembered by its `since`;
 * an unreadable room is an empty one. It does not federate by default, and then tells nobody its name; it wants a whole
 * user id at login, and a real access token wherever one is shown.
 *
 * @see docs/reference/homeservers.md#legacy-endpoints
 * @see docs/reference/homeservers.md#sync
 * @see docs/reference/homeservers.md#messages
 * @see docs/homeservers.md#conduit
 */
export const playConduit: Play = (routes, played) => [
  ...changeRoutes(routes, {
    ...named('Conduit', {
      toClients: false,
      isFederating: () => played.faults.isFederating,
      withoutFederation: new MatrixError(500, 'M_UNKNOWN', 'Federation is disabled.'),
    }),
    '/sync': (own) => sharedByDevice((call) => conduitSync(played, own, call)),
    '/rooms/:roomId/messages': () => async (call) => {
      const page = counterMessages(
        { mostEvents: 100, refuses: false, readsTo: false, countsInvisible: true },
        played,
        call,
      );
      return { ...page, chunk: (page.chunk ?? []).map(withoutAge) };
    },
    '/rooms/:roomId/context/:eventId': (own) => async (call) =>
      toCounterContext((await own(call)) as ContextResponse),
    '/_matrix/client/v1/room_summary/:roomId': undefined,
  }).map((route) => (route.path === '/login' && route.method === 'POST' ? withWholeUserId(route) : route)),
  alsoGet('/rooms/:roomId/initialSync', () => {
    throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guest access not implemented');
  }),
];

/** The old `user` is taken for a whole user id; the localpart alone goes into an `identifier`. */
function withWholeUserId(route: Route): Route {
  const handle: Route['handle'] = (call) => {
    const { identifier, user } = call.body;
    if (identifier === undefined && !String(user ?? '').startsWith('@'))
      throw new MatrixError(400, 'M_INVALID_USERNAME', 'Username is invalid.');
    return route.handle(call);
  };
  return { ...route, handle };
}

/** Of every event it says that it is one millisecond old. */
function withoutAge(event: ClientEvent): ClientEvent {
  return { ...event, unsigned: { ...event.unsigned, age: 1 } };
}

/** Whoever asks with the `since` that was asked last gets what that one got, whatever else he asks for. */
function sharedByDevice(
  sync: (call: Call) => Promise<{ answer: object; isEmpty: boolean }>,
): Route['handle'] {
  const running = new Map<string, { since: string | null; result: ReturnType<typeof sync> }>();
  return async (call) => {
    const { session, query } = call;
    const device = `${session.user.userId} ${session.deviceId}`;
    const since = query.get('since');
    let shared = running.get(device);
    if (shared?.since !== since) {
      shared = { since, result: sync(call) };
      running.set(device, shared);
    }
    const mine = shared;
    try {
      const { answer, isEmpty } = await mine.result;
      // An empty answer is not kept.
      if (isEmpty && running.get(device) === mine) running.delete(device);
      return answer;
    } catch (error) {
      if (running.get(device) === mine) running.delete(device);
      throw error;
    }
  };
}

/**
 * What there is at once; nothing: after the wait it is that nothing which is answered, and the news come with the next.
 *
 * `next_batch` is taken first, and the timelines then: what happens in between is in this answer and in the next one. Of
 * a left room there is no timeline; its leave is in `state`. An initial sync has the left rooms, whoever asks.
 */
async function conduitSync(
  played: Played,
  own: Route['handle'],
  call: Call,
): Promise<{ answer: object; isEmpty: boolean }> {
  const { faults, homeserver } = played;
  const since = readCounter(call.query.get('since'));
  const asked = withQuery(call, {
    since: since === undefined ? undefined : encodeSyncToken(since),
    timeout: '0',
    filter: JSON.stringify({ room: { timeline: { limit: 10 }, include_leave: true } }),
  });
  const nextBatch = String(homeserver.stream);
  faults.betweenNextBatchAndTimelines?.();
  const told = toCounterSync(played, (await own(asked)) as SyncResponse);
  const answer = toConduits(told, nextBatch, call.session.user.userId);
  const isEmpty = Object.keys(answer).length === 1;
  const timeoutMs = Math.min(Number(call.query.get('timeout') ?? 0), LONGEST_POLL_MS);
  if (isEmpty && since !== undefined && timeoutMs > 0)
    await homeserver.polls.wait(call.session.user, timeoutMs, call.signal);
  return { answer, isEmpty };
}

function toConduits(
  { rooms, presence: _none, ...answer }: SyncResponse,
  nextBatch: string,
  me: UserId,
): object {
  const { join, leave, ...others } = rooms ?? {};
  const changed = {
    ...others,
    ...(join && { join: changeRooms(join, withOldTimeline) }),
    ...(leave && { leave: changeRooms(leave, (room) => withoutTimeline(room, me)) }),
  };
  return {
    ...answer,
    ...(Object.keys(changed).length > 0 && { rooms: changed }),
    next_batch: nextBatch,
  };
}

const changeRooms = (
  rooms: Record<string, RoomUpdate | null | undefined>,
  change: (room: RoomUpdate) => RoomUpdate,
): Record<string, RoomUpdate> =>
  Object.fromEntries(Object.entries(rooms).map(([roomId, room]) => [roomId, change(room ?? {})]));

function withOldTimeline({ timeline, ...room }: RoomUpdate): RoomUpdate {
  if (!timeline) return room;
  return { ...room, timeline: { ...timeline, events: (timeline.events ?? []).map(withoutAge) } };
}

/** The state at the leave, and the leave itself. */
function withoutTimeline({ timeline, state, ...room }: RoomUpdate, me: UserId): RoomUpdate {
  const leave = (timeline?.events ?? []).findLast((event) => isMembershipOf(me, event));
  const events = [...(state?.events ?? []), ...(leave === undefined ? [] : [leave])];
  return { ...room, timeline: { events: [] }, state: { events } };
}
