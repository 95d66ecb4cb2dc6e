// The two servers: one for clients, one for those who operate the gateway.

import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { installErrorHandler } from '../http/error-handler.ts';
import type { Incidents } from '../http/incidents.ts';
import { createServerOptions } from '../http/limits.ts';
import { cutStalledReaders } from '../http/stalled-readers.ts';
import type { Metrics } from '../operate/metrics.ts';
import type { PassThrough } from '../passthrough/passthrough.ts';

export interface GatewayOptions {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  incidents: Incidents;
  passThrough: PassThrough;
  mostClients: number;
}

/** The server for clients, which has no routes yet. What cannot be routed passes through. */
export function createGatewayServer(options: GatewayOptions): FastifyInstance {
  const { config, logger, metrics, incidents, passThrough } = options;
  const gateway = fastify({
    ...createServerOptions({
      frameworkErrors: (_error, request, reply) => passThrough(request, reply),
      limits: { keepAliveTimeoutMs: config.keepAliveTimeoutMs, maxConnections: options.mostClients },
      onDropped: () => incidents.note('a client’s connection was refused, as too many are open'),
    }),
    loggerInstance: logger as FastifyBaseLogger,
  });
  installErrorHandler(gateway, incidents);
  cutStalledReaders(gateway.server, {
    afterMs: config.stalledReaderMs,
    onCut: () => {
      metrics.count('stalledReaders');
      incidents.note('an answer was cut, as its client took nothing of it');
    },
  });
  return gateway;
}

export function createInternalServer(logger: Logger): FastifyInstance {
  return fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
  });
}

/** Listens; resolves with the URL, where the port that was found is in. */
export async function listenOn(
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
