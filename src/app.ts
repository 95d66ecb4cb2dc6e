// The assembly: the homeserver and the caches → services → routes → listeners.

import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createCaches, createWatch, type Caches } from './app/caches.ts';
import { linkHomeserver, type HomeserverLink } from './app/homeserver-link.ts';
import { createGatewayServer, createInternalServer, listenOn } from './app/listeners.ts';
import { createAppPassThrough } from './app/pass-through.ts';
import { createServices } from './app/services.ts';
import type { Config } from './config/config.ts';
import { registerRoutes } from './endpoints/register-routes.ts';
import type { Services } from './endpoints/services.ts';
import { createNowReader } from './follow/now.ts';
import { createIncidents } from './http/incidents.ts';
import { readDescriptorLimit, shareDescriptors } from './operate/descriptors.ts';
import { createProbes } from './operate/doctor/probes.ts';
import { health } from './operate/health.ts';
import { countRequest, metricsRoutes } from './operate/metrics-routes.ts';
import { createMetrics, type Metrics } from './operate/metrics.ts';
import { passthrough } from './passthrough/passthrough.ts';
import { ROUTES, SAME_PATHS } from './routes.ts';
import { systemClock } from './scheduling/clock.ts';

/** Both listeners. */
export interface App {
  listen(): Promise<{ url: string; internalUrl: string }>;
  /** Stops taking connections, ends polls with their own token, and waits for the rest up to the drain deadline. */
  drain(): Promise<void>;
}

/** Config → the gateway. What no route of ours takes, passes through. */
export async function createApp(config: Config, { logger }: { logger: Logger }): Promise<App> {
  const clock = systemClock;
  const metrics = createMetrics();
  const incidents = createIncidents({ logger });
  const descriptors = shareDescriptors(readDescriptorLimit());
  const operated = { config, clock, logger, metrics, incidents };

  const watch = createWatch(config, clock);
  const link = linkHomeserver({ ...operated, watch, mostConnections: descriptors.homeserver });
  const { homeserver, kind, connections } = link;
  const caches = createCaches(config, { homeserver, watch, readNow: createNowReader(kind) });
  const passThrough = createAppPassThrough({ ...operated, link, caches, samePaths: SAME_PATHS });
  const services = createServices({ ...operated, link, caches, passThrough });

  const gateway = createGatewayServer({ ...operated, passThrough, mostClients: descriptors.clients });
  const probes = createProbes({ ...config, clock });
  gateway.addHook('onRequest', probes.onRequest);
  await registerRoutes(gateway, ROUTES, services, (label, request, reply) =>
    countRequest(metrics, label, request.raw, reply.raw),
  );
  await gateway.register(async (scope) => {
    scope.addHook('onRequest', async ({ raw }, reply) =>
      countRequest(metrics, 'passthrough', raw, reply.raw),
    );
    await scope.register(passthrough, { connections, passThrough });
  });

  let isDraining = false;
  const internal = createInternalServer(logger);
  await internal.register(health, { askHomeserver: link.readPromises, isDraining: () => isDraining, clock });
  await internal.register(metricsRoutes, { metrics });
  await internal.register(probes.routes);
  watchSizes(metrics, services, caches);

  return {
    listen: async () => {
      // Not awaited: clients may come before the homeserver does.
      link.learning.start();
      return {
        internalUrl: await listenOn(internal, config.internalListen),
        url: await listenOn(gateway, config.listen),
      };
    },
    drain: async () => {
      isDraining = true;
      await drain({ gateway, internal, services, link, deadlineMs: config.drainDeadlineMs });
    },
  };
}

/** What can be counted at any moment. */
function watchSizes(metrics: Metrics, services: Services, caches: Caches): void {
  metrics.watch('parkedPolls', () => services.parkedPolls.size);
  metrics.watch('initialSyncsRunning', () => services.initialSyncTurns.running);
  metrics.watch('initialSyncsQueued', () => services.initialSyncTurns.waiting);
  for (const [name, cache] of Object.entries(caches)) metrics.watchCacheBytes(name, () => cache.bytes);
  metrics.watchCacheBytes('increments', () => services.increments.bytes);
}

async function drain(running: {
  gateway: FastifyInstance;
  internal: FastifyInstance;
  services: Services;
  link: HomeserverLink;
  deadlineMs: number;
}): Promise<void> {
  const { gateway, internal, services, link } = running;
  link.learning.stop();
  const closed = gateway.close();
  services.parkedPolls.releaseAll();
  const deadline = setTimeout(() => gateway.server.closeAllConnections(), running.deadlineMs);
  await closed;
  clearTimeout(deadline);
  await link.connections.destroy();
  await internal.close();
}
