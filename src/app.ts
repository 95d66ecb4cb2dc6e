// The table of contents: which requests we answer ourselves, and in which order everything is put together.

import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
} from 'fastify';
import type { Logger } from 'pino';
import { createEventRooms } from './caches/event-rooms.ts';
import { createLostSends } from './caches/lost-sends.ts';
import { createModernSessions } from './caches/modern-sessions.ts';
import { createPresences } from './caches/presences.ts';
import { createSessions } from './caches/sessions.ts';
import { shareOf, type CacheName } from './caches/shares.ts';
import { createTransactions } from './caches/transactions.ts';
import { createVisibilities } from './caches/visibility.ts';
import type { Config } from './config/config.ts';
import { createCatchUpAnswers } from './follow/catch-up-answer.ts';
import { withTurns } from './follow/catch-up-turns.ts';
import { createEventStream } from './follow/event-stream.ts';
import { createIncrements } from './follow/held-bytes.ts';
import { rememberPositions } from './follow/known-positions.ts';
import { createNowReader } from './follow/now.ts';
import { createPeekStream } from './follow/peek-stream.ts';
import { createTypingMemory } from './follow/repeated-typing.ts';
import { createRoomWatch } from './follow/room-watch.ts';
import { createSessionCursors } from './follow/session-cursors.ts';
import { createBotSessions } from './endpoints/session/bot-sessions.ts';
import { event } from './endpoints/event.ts';
import { events } from './endpoints/events/events.ts';
import { createInitialSyncQueue } from './endpoints/initial-sync/initial-sync-queue.ts';
import { initialSync } from './endpoints/initial-sync/initial-sync.ts';
import { messages } from './endpoints/messages/messages.ts';
import { createNewsObserver, withNewsObserved } from './passthrough/news-observer.ts';
import { createOpenMedia, type OpenMedia } from './passthrough/opened-media.ts';
import { createParkedPolls } from './endpoints/session/parked-polls.ts';
import { answerOnlyAsSent, createPassThrough, passthrough } from './passthrough/passthrough.ts';
import { createPeekEvents } from './endpoints/peek/peek-events.ts';
import { roomInitialSync } from './endpoints/room-initial-sync/room-initial-sync.ts';
import { createReadTurns } from './follow/read-turns.ts';
import { createSessionObserver, isContradiction } from './passthrough/session-observer.ts';
import { createSessionReader } from './endpoints/session/session.ts';
import { sync } from './endpoints/sync/sync.ts';
import { createDirectoryTurns } from './endpoints/v1/public-rooms.ts';
import { v1 } from './endpoints/v1/v1.ts';
import { v2AlphaFilter } from './endpoints/v2-alpha/v2-alpha-filter.ts';
import { v2AlphaSync } from './endpoints/v2-alpha/v2-alpha-sync.ts';
import { privateIfRefused } from './endpoints/streamed/visibility-wait.ts';
import { connectTo } from './homeserver/connections.ts';
import { checkAnswers } from './homeserver/checked-answers.ts';
import { createHttpHomeserver } from './homeserver/http-homeserver.ts';
import { createKindReader } from './homeserver/kinds/recognise.ts';
import { createLearning } from './homeserver/learning.ts';
import { createPrefixReader, modernPrefixOf } from './homeserver/prefixes.ts';
import { systemClock } from './scheduling/clock.ts';
import { jsonHeaders } from './http/cors.ts';
import { installErrorHandler } from './http/error-handler.ts';
import { takeBodiesAsBytes } from './http/request-bodies.ts';
import { createPeerLookup, forwardedForOf, forwardedProtoOf } from './http/forwarded.ts';
import { createIncidents, noteNetworkFailure } from './http/incidents.ts';

import { createServerOptions } from './http/limits.ts';
import { cutStalledReaders } from './http/stalled-readers.ts';
import { createTurns } from './scheduling/turns.ts';
import { readDescriptorLimit, shareDescriptors } from './operate/descriptors.ts';
import { createProbes } from './operate/doctor/probes.ts';
import { health } from './operate/health.ts';
import { countRequests, metricsRoutes } from './operate/metrics-routes.ts';
import type { JsonObject } from './matrix/client-event.ts';
import { createMetrics, type EndpointName } from './operate/metrics.ts';

/** Both listeners. */
export interface App {
  listen(): Promise<{ url: string; internalUrl: string }>;
  /** Stops taking connections, ends polls with their own token, and waits for the rest up to the drain deadline. */
  drain(): Promise<void>;
}

/** The prefixes under which old and new clients ask. */
const PREFIXES = ['api/v1', 'r0', 'v3', 'v1', 'unstable', 'v2_alpha'] as const;

/** Config → the gateway. What no route of ours takes, passes through. */
export async function createApp(config: Config, { logger }: { logger: Logger }): Promise<App> {
  const clock = systemClock;
  const metrics = createMetrics();
  const incidents = createIncidents({ logger });
  const noteFailure = (error: unknown, isCut = false): void => noteNetworkFailure(incidents, error, isCut);
  const descriptors = shareDescriptors(readDescriptorLimit());
  const connections = connectTo(config.homeserverUrl, {
    ...config,
    ...toConnectionBounds(config, descriptors.homeserver),
    waitMs: config.connectionWaitMs,
    onRefused: () => incidents.note('a request was refused, as too many are under way'),
  });
  const watch = createRoomWatch({
    maxBytes: shareOf('room-watch', config.cacheSize),
    clock,
    fastestMs: config.peekFastestMs,
    slowestMs: config.peekSlowestMs,
  });
  const prefixReader = createPrefixReader();
  const homeserver = withNewsObserved(
    checkAnswers(
      createHttpHomeserver({
        ...config,
        connections,
        modernPrefix: () => modernPrefixOf(prefixReader.prefixes()),
        onCall: metrics.homeserverCallFinished,
        onFailure: ({ cause }) => noteFailure(cause),
        onContradiction: () => learning.doubt(),
      }),
    ),
    watch,
  );
  const { kind, learn: learnKind } = createKindReader({
    homeserver,
    setting: config.homeserverKind,
    onUnknown: (name) =>
      logger.warn({ name }, 'the homeserver is of no kind that is known; treated with most care'),
  });
  const readPromises = async (signal: AbortSignal) => {
    const versions = await homeserver.versions(signal);
    return { versions, hasChanged: prefixReader.note(versions) };
  };
  const learning = createLearning({
    clock,
    learn: async (signal) => {
      const { versions, hasChanged } = await readPromises(signal);
      return (await learnKind(versions, signal)) || hasChanged;
    },
    onFailure: (error) => logger.warn({ err: error }, 'the homeserver does not answer; it is asked again'),
  });

  const share = (name: CacheName) => ({ maxBytes: shareOf(name, config.cacheSize) });
  const cursors = createSessionCursors(share('session-cursors'));
  const eventRooms = createEventRooms(share('event-rooms'));
  const identities = createSessions(share('sessions'));
  const modernSessions = createModernSessions(share('modern-sessions'));
  const presences = createPresences(share('presences'));
  const transactions = createTransactions<JsonObject>(share('transactions'));
  const lostSends = createLostSends(share('lost-sends'));
  const bots = createBotSessions(share('bot-sessions'));

  // Whatever makes many calls for one answer takes a turn for each of them.
  const visibilityTurns = createTurns({ most: 16, mostOfOne: 4 });
  const callTurns = createTurns({ most: 32, mostOfOne: 8 });
  const directoryTurns = createDirectoryTurns();
  const readTurns = createReadTurns();
  const visibilities = createVisibilities({
    ...share('visibility'),
    ask: (roomId) => homeserver.roomVisibility(roomId).catch(privateIfRefused),
  });
  const queue = createInitialSyncQueue(config);

  const peerOf = createPeerLookup(config.trustedProxies);
  const sessions = createSessionReader({
    homeserver,
    sessions: identities,
    forwardedOf: ({ raw }) => {
      const peer = peerOf(raw.socket);
      const forwardedFor = forwardedForOf(raw, peer);
      return {
        ...(forwardedFor !== undefined && { forwardedFor }),
        forwardedProto: forwardedProtoOf(raw, peer),
      };
    },
  });
  const parkedPolls = createParkedPolls({ ...config, clock });
  const answers = withTurns(
    createCatchUpAnswers({
      homeserver,
      kind,
      cursors,
      clock,
      onRefusedRoom: () => metrics.count('refusedRooms'),
    }),
    readTurns,
  );
  const typing = createTypingMemory(share('repeated-typing'));
  const increments = createIncrements();
  const stream = createEventStream({
    typing,
    homeserver,
    kind,
    answers,
    cursors,
    clock,
    onRemainder: (how) => {
      if (how === 'hit') return metrics.cacheHit('session-cursors');
      metrics.cacheMissed('session-cursors');
      metrics.cacheRebuilt('session-cursors');
    },
    onUpdate: ({ rooms }) => rooms.forEach(({ roomId }) => watch.announce(roomId)),
  });
  const positions = rememberPositions(createNowReader(homeserver, kind), share('known-positions'));
  const { readNow } = positions;
  const peeks = createPeekStream({
    homeserver,
    kind,
    answers,
    cursors,
    positions,
    watch,
    onProbe: () => metrics.count('peekProbes'),
  });
  const shared = {
    ...config,
    homeserver,
    kind,
    sessions,
    eventRooms,
    presences,
    cursors,
    readNow,
    parkedPolls,
    bots,
    callTurns,
    readTurns,
    clock,
  };
  const peekEvents = createPeekEvents({ ...shared, peeks });
  const observers = [
    createSessionObserver({ sessions: identities, modernSessions }),
    createNewsObserver(watch),
  ];
  const passThrough = createPassThrough({
    ...config,
    connections,
    deadlineMs: config.passDeadlineMs,
    prefixesOf: prefixReader.prefixes,
    hasAuthenticatedMedia: prefixReader.hasAuthenticatedMedia,
    openMedia: openMediaFor(config, logger),
    onAnswered: (answered) => {
      for (const observe of observers) observe(answered);
      if (isContradiction(answered)) learning.doubt();
    },
    onFailure: noteFailure,
  });

  const gateway = fastify({
    ...createServerOptions({
      frameworkErrors: (_error, request, reply) => passThrough(request, reply),
      limits: { keepAliveTimeoutMs: config.keepAliveTimeoutMs, maxConnections: descriptors.clients },
      onDropped: () => incidents.note('a client’s connection was refused, as too many are open'),
    }),
    loggerInstance: logger as FastifyBaseLogger,
  });
  const probes = createProbes({ ...config, clock });
  gateway.addHook('onRequest', probes.onRequest);
  installErrorHandler(gateway, incidents);
  cutStalledReaders(gateway.server, {
    afterMs: config.stalledReaderMs,
    onCut: () => {
      metrics.count('stalledReaders');
      incidents.note('an answer was cut, as its client took nothing of it');
    },
  });

  /** A scope for each endpoint: its requests are counted under its name, its answers have native's headers. */
  async function answer<Options extends object>(
    name: EndpointName,
    endpoint: FastifyPluginAsync<Options>,
    options: NoInfer<Options> & { prefix: string },
  ): Promise<void> {
    await gateway.register(async (scope) => {
      scope.addHook('onRequest', countRequests(metrics, name));
      scope.addHook('onRequest', async (_request, reply) => void reply.headers(jsonHeaders));
      scope.addHook('onRequest', answerOnlyAsSent(passThrough));
      takeBodiesAsBytes(scope);
      await scope.register(endpoint as FastifyPluginAsync<object>, options);
    });
  }

  const devices = { modernSessions, onSharedDevice: () => metrics.count('sharedDevices') };
  for (const name of PREFIXES) {
    const prefix = `/_matrix/client/${name}`;
    await answer('events', events, {
      ...shared,
      prefix,
      ...devices,
      stream,
      increments,
      peekEvents,
    });
    await answer('initial-sync', initialSync, { ...shared, prefix, visibilities, visibilityTurns, queue });
    await answer('room-initial-sync', roomInitialSync, {
      ...shared,
      prefix,
      hasSlidingSync: prefixReader.hasSlidingSync,
    });
    await answer('event', event, { ...shared, prefix });
    await answer('messages', messages, {
      ...shared,
      prefix,
      passThrough,
      fillsPages: name === 'api/v1' || name === 'r0' || name === 'v2_alpha',
      hasLegacyEvents: name === 'api/v1' || name === 'v2_alpha',
    });
    if (name === 'api/v1' || name === 'v2_alpha' || name === 'r0') {
      await answer('v1', v1, {
        ...shared,
        prefix,
        oldPrefix: name,
        passThrough,
        directoryTurns,
        transactions,
        lostSends,
      });
    }
    if (name === 'v2_alpha') {
      await answer('v2-alpha-sync', v2AlphaSync, {
        ...shared,
        ...devices,
        prefix,
        visibilities,
        visibilityTurns,
        queue,
        passThrough,
      });
      await answer('v2-alpha-sync', v2AlphaFilter, { ...shared, prefix });
    } else {
      await answer('sync', sync, { ...shared, prefix, passThrough, fillsSections: name === 'r0' });
    }
  }
  await gateway.register(async (scope) => {
    scope.addHook('onRequest', countRequests(metrics, 'passthrough'));
    await scope.register(passthrough, { connections, passThrough });
  });

  const internal = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
  });
  await internal.register(health, {
    askHomeserver: readPromises,
    isDraining: () => isDraining,
    clock,
  });
  await internal.register(metricsRoutes, { metrics });
  await internal.register(probes.routes);
  metrics.watch('parkedPolls', () => parkedPolls.size);
  metrics.watch('initialSyncsRunning', () => queue.running);
  metrics.watch('initialSyncsQueued', () => queue.waiting);
  const caches: Record<CacheName, { readonly bytes: number }> = {
    'session-cursors': cursors,
    'event-rooms': eventRooms,
    sessions: identities,
    'modern-sessions': modernSessions,
    presences,
    visibility: visibilities,
    transactions,
    'lost-sends': lostSends,
    'bot-sessions': bots,
    'room-watch': watch,
    'known-positions': positions,
    'repeated-typing': typing,
  };
  for (const [name, cache] of Object.entries(caches)) metrics.watchCacheBytes(name, () => cache.bytes);
  metrics.watchCacheBytes('increments', () => increments.bytes);

  let isDraining = false;
  return {
    listen: async () => {
      // Not awaited: clients may come before the homeserver does.
      learning.start();
      return {
        internalUrl: await listenOn(internal, config.internalListen),
        url: await listenOn(gateway, config.listen),
      };
    },
    drain: async () => {
      isDraining = true;
      learning.stop();
      const closed = gateway.close();
      parkedPolls.releaseAll();
      const deadline = setTimeout(() => gateway.server.closeAllConnections(), config.drainDeadlineMs);
      await closed;
      clearTimeout(deadline);
      await connections.destroy();
      await internal.close();
    },
  };
}

/** The settings, where as many connections may be open. */
function toConnectionBounds(config: Config, possible: number): { most: number; mostPolls: number } {
  const most = Math.min(config.homeserverConnections, Math.ceil(possible / 4));
  return { most, mostPolls: Math.min(config.homeserverPolls, possible - most) };
}

/** Undefined where the operator has not opened them. */
function openMediaFor(config: Config, logger: Logger): OpenMedia | undefined {
  const { mediaToken: accessToken, mediaTokenNetworks: networks, trustedProxies } = config;
  if (accessToken === undefined) return undefined;
  const onRefused = (status: number): void =>
    logger.warn({ status }, 'the homeserver refuses media to the account of media_token_file');
  return createOpenMedia({ accessToken, networks, trustedProxies, onRefused });
}

async function listenOn(
  app: FastifyInstance,
  { host, port }: { host: string; port: number },
): Promise<string> {
  // Enough for all of a homeserver's clients to come back at once.
  await app.listen({ host, port, backlog: 4096 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error(`not listening on ${host}:${port}`);
  const shown = host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${address.port}`;
}
