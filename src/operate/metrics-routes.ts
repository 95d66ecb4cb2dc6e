import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import type { EndpointName, Metrics } from './metrics.ts';

/** `GET /metrics` for Prometheus, on the internal listener. */
export async function metricsRoutes(app: FastifyInstance, { metrics }: { metrics: Metrics }): Promise<void> {
  app.get('/metrics', { logLevel: 'silent' }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}

/**
 * An `onRequest` hook that counts the requests of this endpoint when they end; add it in the endpoint's own scope.
 *
 * It waits for the response's `close`, which comes also where the answer was sent past Fastify and where the client
 * left; Fastify's `onResponse` does not come then.
 */
export function countRequests(metrics: Metrics, endpoint: EndpointName): onRequestHookHandler {
  return (request, reply, done) => {
    const startedAt = performance.now();
    const { url: rawUrl = '', method = '' } = request.raw;
    reply.raw.on('close', () => {
      const status = reply.raw.headersSent ? reply.raw.statusCode : 0;
      metrics.requestFinished({ endpoint, rawUrl, method, status }, performance.now() - startedAt);
    });
    done();
  };
}
