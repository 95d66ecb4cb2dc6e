import type { JsonObject } from '../../../../src/matrix/client-event.ts';
import type { ContextResponse, SyncResponse } from '../../../../src/matrix/sync.ts';
import { encodeSyncToken } from '../../../../src/sandbox/tokens.ts';
import { counterMessages, readCounter, toCounterContext, toCounterSync } from './counter-answers.ts';
import type { Play } from './play.ts';
import { changeRoutes, named, withQuery } from './changed-routes.ts';
import { changeFilter } from './foreign-sync.ts';

const LONGEST_POLL_MS = 90_000;
const DEFAULT_POLL_MS = 30_000;

/**
 * tuwunel: it says its name to clients, filters rooms and state, and nothing else; an unreadable room is 403.
 *
 * @see docs/reference/homeservers.md#legacy-endpoints
 * @see docs/reference/homeservers.md#sync
 * @see docs/reference/homeservers.md#messages
 */
export const playTuwunel: Play = (routes, played) => {
  const { faults } = played;
  return changeRoutes(routes, {
    ...named('tuwunel', { toClients: true }),
    '/sync': (own) => async (call) => {
      const since = readCounter(call.query.get('since'));
      const timeoutMs = Math.max(Number(call.query.get('timeout') ?? DEFAULT_POLL_MS), faults.shortestPollMs);
      const filter = changeFilter(call.query.get('filter'), ({ room }) => ({ room: changeRoomFilter(room) }));
      const asked = withQuery(call, {
        since: since === undefined ? undefined : encodeSyncToken(since),
        timeout: String(Math.min(timeoutMs, LONGEST_POLL_MS)),
        filter,
      });
      return toCounterSync(played, (await own(asked)) as SyncResponse);
    },
    '/rooms/:roomId/messages': () => (call) =>
      counterMessages(
        { mostEvents: 1000, refuses: true, readsTo: false, countsInvisible: false },
        played,
        call,
      ),
    '/rooms/:roomId/context/:eventId': (own) => async (call) =>
      toCounterContext((await own(call)) as ContextResponse),
    '/_matrix/client/v1/room_summary/:roomId': undefined,
  });
};

function changeRoomFilter({
  ephemeral: _ephemeral,
  account_data: _data,
  timeline,
  ...room
}: JsonObject): JsonObject {
  const { not_types: _types, ...kept } = (timeline ?? {}) as JsonObject;
  return { ...room, timeline: kept };
}
