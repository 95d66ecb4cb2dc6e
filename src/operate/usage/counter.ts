import type { IncomingMessage } from 'node:http';
import { readMasquerade, readTokenIfAny } from '../../http/access-token.ts';
import { queryOf } from '../../http/query.ts';
import type { AccessToken, UserId } from '../../matrix/identifiers.ts';
import type { FinishedRequest } from '../metrics.ts';
import { prefixOf } from '../prefix.ts';
import { type FeatureId } from '../../matrix/legacy-features.ts';
import { featuresOf, isPlainlyModern } from './features.ts';
import type { Usage } from './usage.ts';

/** A finished request, with what its client sent. */
export interface CountedRequest extends FinishedRequest {
  raw: Pick<IncomingMessage, 'headers' | 'rawHeaders'>;
}

/** Builds what is told of every finished request: nearly all use nothing that is old, and cost a look at the URL. */
export function createUsageCounter(options: {
  usage: Usage;
  /** Returns whose an access token is, where that is remembered. */
  userOf: (accessToken: AccessToken, masquerade: ReturnType<typeof readMasquerade>) => UserId | undefined;
  /** Is told of each feature that a request used. */
  onCounted: (feature: FeatureId, prefix: string) => void;
}): (request: CountedRequest) => void {
  const { usage, userOf, onCounted } = options;
  return ({ endpoint, method, rawUrl, status, raw }) => {
    if (isPlainlyModern(endpoint, rawUrl)) return;
    const hasHeaderToken = raw.headers.authorization !== undefined;
    const features = featuresOf({ endpoint, method, rawUrl, hasHeaderToken });
    if (features.length === 0) return;
    const prefix = prefixOf(rawUrl);
    for (const feature of features) onCounted(feature, prefix);
    const query = queryOf({ raw: { url: rawUrl } });
    const accessToken = tokenIn(raw.rawHeaders, query);
    const userId = accessToken && userOf(accessToken, readMasquerade(query));
    usage.note({ features, userAgent: raw.headers['user-agent'], prefix, status, accessToken, userId });
  };
}

/** Finds the request's token; what could not be sent on as a token is nobody's. */
function tokenIn(rawHeaders: readonly string[], query: URLSearchParams): AccessToken | undefined {
  try {
    return readTokenIfAny(rawHeaders, query);
  } catch {
    return undefined;
  }
}
