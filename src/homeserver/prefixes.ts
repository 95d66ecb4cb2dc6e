import type { HomeserverPrefixes } from '../http/legacy-prefixes.ts';
import type { VersionsResponse } from '../matrix/sync.ts';
import type { Homeserver } from './homeserver.ts';

export interface PrefixReader {
  /** As last seen; both, until the homeserver was seen for the first time. */
  prefixes(): HomeserverPrefixes;
  /** Asks the homeserver. Throws when it does not answer. */
  refresh(signal?: AbortSignal): Promise<void>;
}

/**
 * Remembers which prefixes the homeserver's `/versions` promises.
 *
 * @see reference/homeservers.md §1
 */
export function createPrefixReader(homeserver: Homeserver): PrefixReader {
  let seen: HomeserverPrefixes = { hasR0: true, hasV3: true };
  return {
    prefixes: () => seen,
    refresh: async (signal) => {
      seen = toPrefixes(await homeserver.versions(signal));
    },
  };
}

function toPrefixes({ versions }: VersionsResponse): HomeserverPrefixes {
  const listed = versions ?? [];
  return {
    hasR0: listed.some((version) => version.startsWith('r0.')),
    hasV3: listed.some((version) => version.startsWith('v1.')),
  };
}
