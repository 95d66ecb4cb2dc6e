import type { JsonObject } from '../../../../src/matrix/client-event.ts';
import type { ContextResponse, SyncResponse } from '../../../../src/matrix/sync.ts';
import { encodeSyncToken } from '../../../../src/sandbox/tokens.ts';
import { counterMessages, readCounter, toCounterContext, toCounterSync } from './counter-answers.ts';
import type { Play } from './play.ts';
import { changeRoutes, named, withQuery } from './changed-routes.ts';
import { changeFilter } from './foreign-sync.ts';

const LONGEST_POLL_MS = 30_000;

/**
 * continuwuity: it filters nothing but the timeline's length, and an unreadable room is an empty one.
 *
 * @see docs/reference/homeservers.md#sync
 * @see docs/reference/homeservers.md#messages
 */
export const playContinuwuity: Play = (routes, played) =>
  changeRoutes(routes, {
    ...named('continuwuity', { toClients: false }),
    '/sync': (own) => async (call) => {
      const since = readCounter(call.query.get('since'));
      const timeoutMs = Math.min(Number(call.query.get('timeout') ?? LONGEST_POLL_MS), LONGEST_POLL_MS);
      const asked = withQuery(call, {
        since: since === undefined ? undefined : encodeSyncToken(since),
        timeout: String(timeoutMs),
        filter: changeFilter(call.query.get('filter'), ({ room }) => ({ room: timelineAlone(room) })),
      });
      return toCounterSync(played, (await own(asked)) as SyncResponse);
    },
    '/rooms/:roomId/messages': () => (call) =>
      counterMessages(
        { mostEvents: 100, refuses: false, readsTo: true, countsInvisible: false },
        played,
        call,
      ),
    '/rooms/:roomId/context/:eventId': (own) => async (call) =>
      toCounterContext((await own(call)) as ContextResponse),
    '/_matrix/client/v1/room_summary/:roomId': undefined,
  });

function timelineAlone({ timeline, include_leave: includeLeave }: JsonObject): JsonObject {
  const { limit } = (timeline ?? {}) as JsonObject;
  return {
    ...(includeLeave !== undefined && { include_leave: includeLeave }),
    ...(limit !== undefined && { timeline: { limit } }),
  };
}
