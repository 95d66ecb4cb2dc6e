import type { HomeserverPrefixes } from '../http/legacy-prefixes.ts';
import type { VersionsResponse } from '../matrix/sync.ts';
import type { Homeserver } from './homeserver.ts';

export interface PrefixReader {
  /** As last seen; both, until the homeserver was seen for the first time. */
  prefixes(): HomeserverPrefixes;
  /** Whether simplified sliding sync was promised, when last seen. */
  hasSlidingSync(): boolean;
  /** Asks the homeserver. Throws when it does not answer. */
  refresh(signal?: AbortSignal): Promise<void>;
}

/**
 * Remembers what the homeserver's `/versions` promises.
 *
 * @see reference/homeservers.md §1
 */
export function createPrefixReader(homeserver: Homeserver): PrefixReader {
  let seen: HomeserverPrefixes = { hasR0: true, hasV3: true };
  let hasSlidingSync = false;
  return {
    prefixes: () => seen,
    hasSlidingSync: () => hasSlidingSync,
    refresh: async (signal) => {
      const versions = await homeserver.versions(signal);
      seen = toPrefixes(versions);
      hasSlidingSync = versions.unstable_features?.['org.matrix.simplified_msc3575'] === true;
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
