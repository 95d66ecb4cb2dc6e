// The assembly: the homeserver and the caches → services → routes → listeners.

import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createCaches, createWatch, type Caches } from './app/caches.ts';
import { linkHomeserver, type HomeserverLink } from './app/homeserver-link.ts';
import { createGatewayServer, createInternalServer, listenOn } from './app/listeners.ts';
import { createAppOperation } from './app/operation.ts';
import { createAppPassThrough } from './app/pass-through.ts';
import { createServices } from './app/services.ts';
import type { Config } from './config/config.ts';
import { registerRoutes } from './endpoints/register-routes.ts';
import type { Services } from './endpoints/services.ts';
import { createNowReader } from './follow/now.ts';
import { createIncidents } from './http/incidents.ts';
import { readDescriptorLimit, shareDescriptors } from './operate/descriptors.ts';
import { health } from './operate/health.ts';
import { metricsRoutes } from './operate/metrics-routes.ts';
import { createMetrics, type Metrics } from './operate/metrics.ts';
import { passthrough } from './passthrough/pass-routes.ts';
import { ROUTES, SAME_PATHS } from './routes.ts';
import { systemClock } from './scheduling/clock.ts';

/** The app holds both listeners. */
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
  const operation = createAppOperation({ ...operated, link, caches, passThrough });

  const gateway = createGatewayServer({ ...operated, passThrough, mostClients: descriptors.clients });
  await registerRoutes(gateway, ROUTES, services, operation.onRequest);
  await gateway.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => operation.onRequest('passthrough', request, reply));
    await scope.register(passthrough, { connections, passThrough });
  });

  let isDraining = false;
  const internal = createInternalServer(logger);
  await internal.register(health, { askHomeserver: link.readPromises, isDraining: () => isDraining, clock });
  await internal.register(metricsRoutes, { metrics });
  await operation.routes(internal);
  watchSizes(metrics, services, caches);

  return {
    listen: async () => {
      await operation.start();
      // Not awaited: clients may come before the homeserver does.
      link.learning.start();
      const internalUrl = await listenOn(internal, config.internalListen);
      const url = await listenOn(gateway, config.listen);
      operation.listensAt(url);
      return { internalUrl, url };
    },
    drain: async () => {
      isDraining = true;
      operation.drain();
      await drain({ gateway, internal, services, link, deadlineMs: config.drainDeadlineMs });
      await operation.end();
    },
  };
}

/** Gives the metrics what can be counted at any moment. */
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
