import type { VersionsResponse } from '../matrix/sync.ts';

/** The prefixes that the homeserver has, by its `/versions`. */
export interface HomeserverPrefixes {
  /** Some `r0.x` is listed. */
  hasR0: boolean;
  /** Some `v1.x` is listed. */
  hasV3: boolean;
}

export interface PrefixReader {
  /** Returns what was heard last; both prefixes until the homeserver was heard for the first time. */
  prefixes(): HomeserverPrefixes;
  /** Whether simplified sliding sync was promised, when last heard. */
  hasSlidingSync(): boolean;
  /** Whether media are given to who shows an access token (Matrix 1.11), when last heard. */
  hasAuthenticatedMedia(): boolean;
  /** Replaces what is known by what an answer of `/versions` promises. Returns whether anything changed. */
  note(versions: VersionsResponse): boolean;
}

/**
 * Remembers what the homeserver's `/versions` promises.
 *
 * @see docs/reference/homeservers.md#legacy-endpoints
 */
export function createPrefixReader(): PrefixReader {
  let known = { hasR0: true, hasV3: true, hasSlidingSync: false, hasAuthenticatedMedia: false };
  return {
    prefixes: () => known,
    hasSlidingSync: () => known.hasSlidingSync,
    hasAuthenticatedMedia: () => known.hasAuthenticatedMedia,
    note: (versions) => {
      const before = JSON.stringify(known);
      known = {
        ...toPrefixes(versions),
        hasSlidingSync: versions.unstable_features?.['org.matrix.simplified_msc3575'] === true,
        hasAuthenticatedMedia: promisesAuthenticatedMedia(versions),
      };
      return JSON.stringify(known) !== before;
    },
  };
}

function toPrefixes(versions: VersionsResponse): HomeserverPrefixes {
  const listed = versionsOf(versions);
  return {
    hasR0: listed.some((version) => version.startsWith('r0.')),
    hasV3: listed.some((version) => version.startsWith('v1.')),
  };
}

/**
 * Whether a homeserver has authenticated media: Matrix 1.11, or before it the flag of MSC3916.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3916
 */
function promisesAuthenticatedMedia(versions: VersionsResponse): boolean {
  if (versions.unstable_features?.['org.matrix.msc3916.stable'] === true) return true;
  return versionsOf(versions).some((version) => Number(/^v1\.(\d{1,6})$/.exec(version)?.[1] ?? 0) >= 11);
}

/** The prefix for what means the same under both: `v3`, but for a homeserver that says it has `r0` alone. */
export function modernPrefixOf({ hasR0, hasV3 }: HomeserverPrefixes): 'v3' | 'r0' {
  return hasV3 || !hasR0 ? 'v3' : 'r0';
}

/** The versions that are listed: an answer may lack the list, or hold something else. */
export function versionsOf({ versions }: VersionsResponse): string[] {
  return Array.isArray(versions) ? versions.filter((version) => typeof version === 'string') : [];
}
