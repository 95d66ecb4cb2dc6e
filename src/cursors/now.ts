import type { Caller, Homeserver } from '../homeserver/homeserver.ts';
import type { SyncToken } from '../matrix/identifiers.ts';
import { nowFilter } from '../translate/sync-filter.ts';

/** The newest position in a caller's stream. */
export type ReadNow = (
  caller: Caller,
  options: { setPresence: 'online' | 'offline'; signal: AbortSignal },
) => Promise<SyncToken>;

/** Enough for Synapse to have forgotten the first one's answer when the last one is used. */
const VARIANTS = 4096;

/**
 * Reads the newest position from a `/sync` without `since` that asks for no room: where rooms are filtered it costs the
 * homeserver next to nothing, and as nothing is read from it, nothing is acknowledged.
 *
 * @see reference/performance.md §4
 */
export function createNowReader(homeserver: Homeserver): ReadNow {
  // Two that ask for *now* must not get one cached answer.
  let variant = 0;
  return async (caller, { setPresence, signal }) => {
    variant = (variant + 1) % VARIANTS;
    const query = { filter: nowFilter(variant), timeoutMs: 0, setPresence };
    return (await homeserver.sync(caller, query, signal)).next_batch;
  };
}
