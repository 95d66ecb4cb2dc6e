import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { RoomWatch } from '../follow/room-watch.ts';
import { connectTo, type Connections } from '../homeserver/connections.ts';
import type { Homeserver } from '../homeserver/homeserver.ts';
import { createHttpHomeserver } from '../homeserver/http-homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import { createKindReader } from '../homeserver/kinds/recognise.ts';
import { createLearning, type Learning } from '../homeserver/learning.ts';
import { createPrefixReader, modernPrefixOf, type PrefixReader } from '../homeserver/prefixes.ts';
import { noteNetworkFailure, type Incidents } from '../http/incidents.ts';
import type { Metrics } from '../operate/metrics.ts';
import { createRequestObserver } from '../passthrough/news-observer.ts';
import type { Clock } from '../scheduling/clock.ts';

/** The homeserver, and all that is known of it. */
export interface HomeserverLink {
  connections: Connections;
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  prefixes: PrefixReader;
  learning: Learning;
  /** Asks for `/versions`, and notes what they promise. */
  readPromises(signal: AbortSignal): Promise<unknown>;
}

export interface LinkOptions {
  config: Config;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  incidents: Incidents;
  watch: RoomWatch;
  /** How many connections to the homeserver may be open, of either sort. */
  mostConnections: number;
}

/** Makes the connections, the port over them, and what keeps learning what the homeserver is. Nothing is asked yet. */
export function linkHomeserver(options: LinkOptions): HomeserverLink {
  const { config, clock, logger, metrics, incidents, watch } = options;
  const connections = connectTo(config.homeserverUrl, {
    passPaths: config.passPaths,
    hostHeader: config.hostHeader,
    ...toConnectionBounds(config, options.mostConnections),
    waitMs: config.connectionWaitMs,
    onRefused: () => incidents.note('a request was refused, as too many are under way'),
  });
  const prefixes = createPrefixReader();
  const { callDeadlineMs, pollMarginMs, initialSyncDeadlineMs, answerIdleMs } = config;
  const homeserver = createHttpHomeserver({
    connections,
    callDeadlineMs,
    pollMarginMs,
    initialSyncDeadlineMs,
    answerIdleMs,
    modernPrefix: () => modernPrefixOf(prefixes.prefixes()),
    onCall: metrics.homeserverCallFinished,
    onFailure: ({ cause }) => noteNetworkFailure(incidents, cause, false),
    onRequested: createRequestObserver(watch),
    onContradiction: () => learning.doubt(),
  });
  const { kind, learn } = createKindReader({
    homeserver,
    setting: config.homeserverKind,
    onUnknown: (name) =>
      logger.warn({ name }, 'the homeserver is of no kind that is known; treated with most care'),
  });
  const readPromises = async (signal: AbortSignal) => {
    const versions = await homeserver.versions(signal);
    return { versions, hasChanged: prefixes.note(versions) };
  };
  const learning = createLearning({
    clock,
    learn: async (signal) => {
      const { versions, hasChanged } = await readPromises(signal);
      return (await learn(versions, signal)) || hasChanged;
    },
    onFailure: (error) => logger.warn({ err: error }, 'the homeserver does not answer; it is asked again'),
  });
  return { connections, homeserver, kind, prefixes, learning, readPromises };
}

/** The settings, where as many connections may be open. */
function toConnectionBounds(config: Config, possible: number): { most: number; mostPolls: number } {
  const most = Math.min(config.homeserverConnections, Math.ceil(possible / 4));
  return { most, mostPolls: Math.min(config.homeserverPolls, possible - most) };
}
