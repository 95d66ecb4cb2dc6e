import type { SandboxHomeserver } from '../homeserver.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { invalidParam, MatrixError } from '../../matrix/errors.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import { hasNews, toSyncResponse, type WholeSyncResponse } from '../sync.ts';
import type { SyncRequest } from '../sync-room.ts';
import { parseFilter, readSyncFilter, type SyncFilter } from '../sync-filter.ts';
import { decodeSyncToken } from '../tokens.ts';
import type { Presence, User } from '../user.ts';
import { type Call, get, type Route } from './route.ts';

export function syncRoutes(homeserver: SandboxHomeserver): Route[] {
  return [get('/sync', (call) => sync(homeserver, call), 'guests too')];
}

/** Answers at once where there is something to tell or no `since`; else waits for news that pass the filter. */
async function sync(
  homeserver: SandboxHomeserver,
  { session, query, signal }: Call,
): Promise<WholeSyncResponse> {
  const { user, deviceId } = session;
  const since = query.get('since');
  const request: SyncRequest = {
    user,
    deviceId,
    since: since === null ? undefined : Math.min(decodeSyncToken(since).stream, homeserver.stream),
    filter: readFilter(query.get('filter'), user),
  };
  const deadline = performance.now() + readTimeout(query);
  setPresence();
  forgetDelivered(user, request);
  for (;;) {
    const response = toSyncResponse(homeserver, request);
    const leftMs = deadline - performance.now();
    const mustAnswer = since === null || leftMs <= 0 || signal.aborted;
    if (mustAnswer || hasNews(response)) return response;
    await homeserver.polls.wait(user, leftMs, signal);
  }

  /** Only a change is news to the others. Offline is not meant as a change. */
  function setPresence(): void {
    const wanted = query.get('set_presence') ?? 'online';
    if (!/^(?:online|offline|unavailable)$/.test(wanted))
      throw invalidParam(
        "Query parameter 'set_presence' must be one of ['offline', 'online', 'unavailable']",
      );
    if (wanted === 'offline' || user.isGuest || user.presence?.presence === wanted) return;
    homeserver.setPresence(user.userId, wanted as Presence['presence'], user.presence?.statusMessage);
  }
}

/** A client that goes on from a position has what came before it. */
function forgetDelivered(user: User, { deviceId, since }: SyncRequest): void {
  if (since === undefined) return;
  const kept = (user.toDevice.get(deviceId) ?? []).filter(({ stream }) => stream > since);
  user.toDevice.set(deviceId, kept);
}

function readFilter(text: string | null, user: User): SyncFilter {
  if (text === null) return readSyncFilter({});
  if (text.startsWith('{')) return readSyncFilter(parseFilter(text));
  return readSyncFilter(findFilter(user, text));
}

/** A filter that the user stored; throws 400 where there is none of this id. */
export function findFilter(user: User, filterId: string): JsonObject {
  const filter = /^\d+$/.test(filterId) ? user.filters[Number(filterId)] : undefined;
  if (filter === undefined) throw new MatrixError(400, 'M_INVALID_PARAM', 'No such filter');
  return filter;
}

function readTimeout(query: URLSearchParams): Milliseconds {
  const text = query.get('timeout') ?? '0';
  if (!/^-?\d+$/.test(text)) throw invalidParam('Query parameter timeout must be an integer');
  if (Number(text) < 0) throw invalidParam('Query parameter timeout must be a positive integer.');
  return Number(text);
}
