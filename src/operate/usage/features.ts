// What of the old API a request uses.

import type { FeatureId } from '../../matrix/legacy-features.ts';
import { toAuthenticatedMedia } from '../../passthrough/legacy-media.ts';
import { takeQueryToken } from '../../passthrough/query-token.ts';
import { prefixOf } from '../prefix.ts';

/** A request as far as it decides which features it uses. */
export interface UsingRequest {
  /** The label of its route, or `passthrough`. */
  endpoint: string;
  method: string;
  /** The URL as it was sent. */
  rawUrl: string;
  /** Whether an `Authorization` header came with it. */
  hasHeaderToken: boolean;
}

const NONE: readonly FeatureId[] = [];
const REST: Readonly<Record<string, FeatureId>> = { 'api/v1': 'api-v1', v2_alpha: 'v2-alpha' };
const BY_ENDPOINT: Readonly<Record<string, FeatureId | undefined>> = {
  'initial-sync': 'initial-sync',
  events: 'events',
  'peek-events': 'peek-events',
  event: 'event',
  'room-initial-sync': 'room-initial-sync',
};

/**
 * A request → the features that it uses, often none.
 *
 * An endpoint of its own is that feature; other requests under api/v1 and v2_alpha are the rest of those. The prefix r0 and
 * a token in the query count beside them, as each can be ended alone.
 */
export function featuresOf({ endpoint, method, rawUrl, hasHeaderToken }: UsingRequest): readonly FeatureId[] {
  if (isPlainlyModern(endpoint, rawUrl)) return NONE;
  // Browsers ask before they ask: that is nobody's use.
  if (method === 'OPTIONS' || !rawUrl.startsWith('/_matrix/')) return NONE;
  const prefix = prefixOf(rawUrl);
  const found: FeatureId[] = [];
  const { rawUrl: rest, accessToken } = takeQueryToken(rawUrl);
  const main =
    endpointFeature(endpoint, prefix, rawUrl) ??
    REST[prefix] ??
    mediaFeature(method, rest, hasHeaderToken || !!accessToken);
  if (main !== undefined) found.push(main);
  if (prefix === 'r0') found.push('r0');
  if (accessToken !== undefined && accessToken !== '') found.push('query-token');
  return found;
}

/** Tells whether a request uses nothing old for certain, by a look: nearly all that passes. */
function isPlainlyModern(endpoint: string, rawUrl: string): boolean {
  return (
    endpoint === 'passthrough' &&
    (rawUrl.startsWith('/_matrix/client/v3/') || rawUrl.startsWith('/_matrix/federation/')) &&
    !rawUrl.includes('?')
  );
}

function endpointFeature(endpoint: string, prefix: string, rawUrl: string): FeatureId | undefined {
  if (endpoint === 'v2-alpha-sync') return /\/sync(?:\?|$)/.test(rawUrl) ? 'v2-alpha-sync' : REST[prefix];
  return BY_ENDPOINT[endpoint];
}

/** The paths that the pass-through would ask at their new place. */
function mediaFeature(method: string, rawUrl: string, hasToken: boolean): FeatureId | undefined {
  if (toAuthenticatedMedia(method, rawUrl) === rawUrl) return undefined;
  return hasToken ? 'old-media' : 'old-media-without-token';
}
