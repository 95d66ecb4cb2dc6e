import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Milliseconds } from '../matrix/identifiers.ts';
import type { Metrics } from './metrics.ts';
import type { CountedRequest } from './usage/counter.ts';

/** `GET /metrics` for Prometheus, on the internal listener. */
export async function metricsRoutes(app: FastifyInstance, { metrics }: { metrics: Metrics }): Promise<void> {
  app.get('/metrics', { logLevel: 'silent' }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}

/**
 * Counts a request under this label when it ends.
 *
 * It waits for the response's `close`, which comes also where the answer was sent past Fastify and where the client
 * left; Fastify's `onResponse` does not come then.
 */
export function countRequest(
  onFinished: (request: CountedRequest, durationMs: Milliseconds) => void,
  endpoint: string,
  raw: IncomingMessage,
  response: ServerResponse,
): void {
  const { url: rawUrl = '', method = '' } = raw;
  const startedAt = performance.now();
  response.on('close', () => {
    const status = response.headersSent ? response.statusCode : 0;
    onFinished({ endpoint, rawUrl, method, status, raw }, performance.now() - startedAt);
  });
}
