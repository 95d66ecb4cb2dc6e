import type { HomeserverPrefixes } from '../http/legacy-prefixes.ts';
import type { VersionsResponse } from '../matrix/sync.ts';
import type { Homeserver } from './homeserver.ts';

export interface PrefixReader {
  /** As last seen; both, until the homeserver was seen for the first time. */
  prefixes(): HomeserverPrefixes;
  /** Whether simplified sliding sync was promised, when last seen. */
  hasSlidingSync(): boolean;
  /** Whether media are given to who shows an access token (Matrix 1.11), when last seen. */
  hasAuthenticatedMedia(): boolean;
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
  let hasAuthenticatedMedia = false;
  return {
    prefixes: () => seen,
    hasSlidingSync: () => hasSlidingSync,
    hasAuthenticatedMedia: () => hasAuthenticatedMedia,
    refresh: async (signal) => {
      const versions = await homeserver.versions(signal);
      seen = toPrefixes(versions);
      hasSlidingSync = versions.unstable_features?.['org.matrix.simplified_msc3575'] === true;
      hasAuthenticatedMedia = promisesAuthenticatedMedia(versions);
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

/** @see MSC3916: its flag, for homeservers that had it before they had the rest of 1.11 */
function promisesAuthenticatedMedia({ versions, unstable_features }: VersionsResponse): boolean {
  if (unstable_features?.['org.matrix.msc3916.stable'] === true) return true;
  return (versions ?? []).some((version) => Number(/^v1\.(\d+)$/.exec(version)?.[1] ?? 0) >= 11);
}
