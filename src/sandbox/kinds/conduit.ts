import { MatrixError } from '../../matrix/errors.ts';
import type { ContextResponse, SyncResponse } from '../../matrix/sync.ts';
import type { Call, Route, Served } from '../routes/route.ts';
import { encodeSyncToken } from '../tokens.ts';
import { counterMessages, readCounter, toCounterContext, toCounterSync } from './counter.ts';
import type { Play } from './play.ts';
import { changeRoutes, named, withQuery } from './routes.ts';

const LONGEST_POLL_MS = 30_000;

/**
 * Conduit: it filters nothing, timelines hold ten events, and a device has one sync, which is remembered by its `since`;
 * an unreadable room is an empty one, and what it does not know is 400.
 *
 * @see reference/homeservers.md §1, §3.1, §3.2
 */
export const playConduit: Play = (routes, served) =>
  changeRoutes(routes, {
    ...named('Conduit', { toClients: false }),
    '/sync': (own) => sharedByDevice((call) => conduitSync(served, own, call)),
    '/rooms/:roomId/messages': () => (call) =>
      counterMessages(
        { mostEvents: 100, refuses: false, readsTo: false, countsInvisible: true },
        served,
        call,
      ),
    '/rooms/:roomId/context/:eventId': (own) => async (call) =>
      toCounterContext((await own(call)) as ContextResponse),
    '/_matrix/client/v1/room_summary/:roomId': () => () => {
      throw new MatrixError(400, 'M_UNRECOGNIZED', 'Unrecognized request');
    },
  });

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

/** What there is at once; nothing: after the wait it is that nothing which is answered, and the news come with the next. */
async function conduitSync(
  served: Served,
  own: Route['handle'],
  call: Call,
): Promise<{ answer: object; isEmpty: boolean }> {
  const since = readCounter(call.query.get('since'));
  const asked = withQuery(call, {
    since: since === undefined ? undefined : encodeSyncToken(since),
    timeout: '0',
    filter: JSON.stringify({ room: { timeline: { limit: 10 } } }),
  });
  const answer = toCounterSync(served, (await own(asked)) as SyncResponse);
  const isEmpty = Object.keys(answer).length === 1;
  const timeoutMs = Math.min(Number(call.query.get('timeout') ?? 0), LONGEST_POLL_MS);
  if (isEmpty && since !== undefined && timeoutMs > 0)
    await served.homeserver.polls.wait(call.session.user, timeoutMs, call.signal);
  return { answer, isEmpty };
}
