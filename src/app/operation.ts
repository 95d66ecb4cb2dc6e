import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { createNativeAsker } from '../homeserver/native-legacy.ts';
import { createPeerLookup, forwardedForOf } from '../http/forwarded.ts';
import { MOST_COMPARED_BYTES } from '../operate/compare-mode/recorder.ts';
import type { Metrics } from '../operate/metrics.ts';
import { createOperation, type Operation } from '../operate/operation.ts';
import type { PassThrough } from '../passthrough/passthrough.ts';
import type { Clock } from '../scheduling/clock.ts';
import { isOwnToken } from '../tokens/own-tokens.ts';
import type { Caches } from './caches.ts';
import type { HomeserverLink } from './homeserver-link.ts';

/** Makes what operators see and decide, over this homeserver, these sessions and this pass-through. */
export function createAppOperation(options: {
  config: Config;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  link: HomeserverLink;
  caches: Caches;
  passThrough: PassThrough;
}): Operation {
  const { config, link, caches, passThrough } = options;
  const { sessions } = caches;
  const peerOf = createPeerLookup(config.trustedProxies);
  return createOperation({
    ...options,
    settings: config,
    userOf: (accessToken, masquerade) => sessions.get(sessions.tokenKeyOf(accessToken), masquerade)?.userId,
    passOn: (request, reply, rawUrl) => passThrough(request, reply, { rawUrl }),
    askNative: createNativeAsker(link.connections, {
      deadlineMs: config.initialSyncDeadlineMs,
      mostBytes: MOST_COMPARED_BYTES,
    }),
    isOwnToken,
    forwardedForOf: (request) => forwardedForOf(request, peerOf(request.socket)),
  });
}
