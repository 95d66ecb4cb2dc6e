import type { JsonObject } from '../../../src/matrix/client-event.ts';
import type { MessagesResponse } from '../../../src/matrix/sync.ts';
import type { Call, Route } from '../../../src/sandbox/routes/route.ts';
import { findFilter } from '../../../src/sandbox/routes/sync.ts';
import { parseFilter, readSyncFilter } from '../../../src/sandbox/sync-filter.ts';
import { hasNews, type WholeSyncResponse } from '../../../src/sandbox/sync.ts';
import { decodeToken, encodeMessagesToken, isRoomPosition } from '../../../src/sandbox/tokens.ts';
import type { Faults } from './faults.ts';
import { changeRoutes, withQuery } from './kinds/changed-routes.ts';

/** The sandbox's own routes → the same with those faults that are about what an answer says. */
export function withFaults(routes: readonly Route[], faults: Faults): Route[] {
  return changeRoutes(routes, {
    '/sync': (own) => async (call) => {
      const sync = (asked: Call) => own(withShortTimelines(asked, faults)) as Promise<WholeSyncResponse>;
      if (faults.emptyWakeUps > 0) {
        const now = await sync(withQuery(call, { timeout: '0' }));
        if (hasNews(now) || faults.takeEmptyWakeUp()) return faults.reshape(now);
      }
      return faults.reshape(await sync(call));
    },
    '/rooms/:roomId/messages': (own) => async (call) => {
      const page = (await own(call)) as MessagesResponse;
      return faults.pagesForgetFrom && page.end ? { ...page, end: withoutBound(page.end) } : page;
    },
  });
}

/** Asks for shorter timelines where the faults cut them, whatever the call's own filter wants. */
function withShortTimelines(call: Call, { timelineLimit }: Faults): Call {
  if (timelineLimit === undefined) return call;
  const filter = filterOf(call);
  const room = (filter['room'] ?? {}) as JsonObject;
  const limit = Math.min(readSyncFilter(filter).timelineLimit, timelineLimit);
  const timeline = { ...(room['timeline'] as JsonObject | undefined), limit };
  return withQuery(call, { filter: JSON.stringify({ ...filter, room: { ...room, timeline } }) });
}

function filterOf({ query, session }: Call): JsonObject {
  const text = query.get('filter');
  if (text === null) return {};
  return text.startsWith('{') ? parseFilter(text) : findFilter(session.user, text);
}

/** A messages token → one of the same place that does not say where the reading began. */
function withoutBound(token: string): string {
  const position = decodeToken(token, 'no token of the sandbox');
  return isRoomPosition(position)
    ? encodeMessagesToken({ depth: position.depth, stream: position.stream })
    : token;
}
