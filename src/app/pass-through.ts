import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { noteNetworkFailure, type Incidents } from '../http/incidents.ts';
import type { RoutePattern } from '../http/route-pattern.ts';
import { createHomeserverPaths } from '../passthrough/legacy-prefixes.ts';
import { createNewsObserver } from '../passthrough/news-observer.ts';
import { createOpenMedia, type OpenMedia } from '../passthrough/opened-media.ts';
import { createPassThrough, type PassThrough } from '../passthrough/passthrough.ts';
import { createSessionObserver, isContradiction } from '../passthrough/session-observer.ts';
import type { Caches } from './caches.ts';
import type { HomeserverLink } from './homeserver-link.ts';

export interface PassOptions {
  config: Config;
  logger: Logger;
  incidents: Incidents;
  link: HomeserverLink;
  caches: Caches;
  /** Requests that mean the same under a modern prefix. */
  samePaths: readonly RoutePattern[];
}

/** The pass-through, and who learns from what passes: the sessions, the watch over rooms, what is known of the homeserver. */
export function createAppPassThrough(options: PassOptions): PassThrough {
  const { config, logger, incidents, link, caches } = options;
  const { connections, prefixes, learning } = link;
  const observers = [
    createSessionObserver({ sessions: caches.sessions, modernSessions: caches['modern-sessions'] }),
    createNewsObserver(caches['room-watch']),
  ];
  return createPassThrough({
    passPaths: config.passPaths,
    trustedProxies: config.trustedProxies,
    answerIdleMs: config.answerIdleMs,
    connections,
    deadlineMs: config.passDeadlineMs,
    toHomeserverPath: createHomeserverPaths(options.samePaths),
    prefixesOf: prefixes.prefixes,
    hasAuthenticatedMedia: prefixes.hasAuthenticatedMedia,
    openMedia: openMediaFor(config, logger),
    onAnswered: (answered) => {
      for (const observe of observers) observe(answered);
      if (isContradiction(answered)) learning.doubt();
    },
    onFailure: (error, isCut) => noteNetworkFailure(incidents, error, isCut),
  });
}

/** Opens old media for clients without a token; undefined where the operator has not allowed it. */
function openMediaFor(config: Config, logger: Logger): OpenMedia | undefined {
  const { mediaToken: accessToken, mediaTokenNetworks: networks, trustedProxies } = config;
  if (accessToken === undefined) return undefined;
  const onRefused = (status: number): void =>
    logger.warn({ status }, 'the homeserver refuses media to the account of media_token_file');
  return createOpenMedia({ accessToken, networks, trustedProxies, onRefused });
}
