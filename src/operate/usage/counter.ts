import type { IncomingMessage } from 'node:http';
import type { FinishedRequest } from '../metrics.ts';
import { prefixOf } from '../prefix.ts';
import { senderOf, type UserOf } from '../sender.ts';
import { type FeatureId } from '../../matrix/legacy-features.ts';
import { featuresOf } from './features.ts';
import type { Usage } from './usage.ts';

/** A finished request, with what its client sent. */
export interface CountedRequest extends FinishedRequest {
  raw: Pick<IncomingMessage, 'headers' | 'rawHeaders'>;
}

/** Builds what is told of every finished request: nearly all use nothing that is old, and cost a look at the URL. */
export function createUsageCounter(options: {
  usage: Usage;
  userOf: UserOf;
  /** Is told of each feature that a request used. */
  onCounted: (feature: FeatureId, prefix: string) => void;
}): (request: CountedRequest) => void {
  const { usage, userOf, onCounted } = options;
  return ({ endpoint, method, rawUrl, status, raw }) => {
    const hasHeaderToken = raw.headers.authorization !== undefined;
    const features = featuresOf({ endpoint, method, rawUrl, hasHeaderToken });
    if (features.length === 0) return;
    const prefix = prefixOf(rawUrl);
    for (const feature of features) onCounted(feature, prefix);
    const { accessToken, userId } = senderOf({ rawHeaders: raw.rawHeaders, url: rawUrl }, userOf);
    usage.note({ features, userAgent: raw.headers['user-agent'], prefix, status, accessToken, userId });
  };
}
