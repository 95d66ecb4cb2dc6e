import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import * as fc from 'fast-check';
import { fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import { countRequest, metricsRoutes } from '../../src/operate/metrics-routes.ts';
import { createMetrics, type FinishedRequest } from '../../src/operate/metrics.ts';

const aRequest = (given: Partial<FinishedRequest> = {}): FinishedRequest => ({
  endpoint: 'events',
  rawUrl: '/_matrix/client/r0/events?from=s1',
  method: 'GET',
  status: 200,
  ...given,
});

/** The label sets that requests were counted under. */
async function labelsOf(metrics: { text(): Promise<string> }): Promise<string[]> {
  const counts = /^hindsync_http_request_duration_seconds_count\{(.*)\} \d+$/gm;
  return [...(await metrics.text()).matchAll(counts)].map((match) => match[1] ?? '');
}

describe('createMetrics', () => {
  test.each([
    { rawUrl: '/_matrix/client/r0/events?from=s1', prefix: 'r0' },
    { rawUrl: '/_matrix/client/api/v1/events', prefix: 'api/v1' },
    { rawUrl: '/_matrix/client/v2_alpha/sync', prefix: 'v2_alpha' },
    { rawUrl: '/_matrix/client/v3', prefix: 'v3' },
    { rawUrl: '/_matrix/client/v33/events', prefix: 'other' },
    { rawUrl: '/_matrix/media/v3/upload', prefix: 'other' },
  ])('when $rawUrl is answered -> counted under $prefix', async ({ rawUrl, prefix }) => {
    const metrics = createMetrics();
    metrics.requestFinished(aRequest({ rawUrl }), 12);
    expect(await labelsOf(metrics)).toEqual([
      `endpoint="events",prefix="${prefix}",method="GET",status="200"`,
    ]);
  });

  test('when clients make up methods, paths and statuses -> the labels stay in their closed sets', async () => {
    const metrics = createMetrics();
    const anything = fc.record({
      rawUrl: fc.string(),
      method: fc.string(),
      status: fc.nat(99).map((n) => n + 1_000),
    });
    fc.assert(fc.property(anything, (given) => metrics.requestFinished(aRequest(given), 1)));
    expect(await labelsOf(metrics)).toEqual([
      'endpoint="events",prefix="other",method="_OTHER",status="_OTHER"',
    ]);
  });

  test('when something is watched -> its value at the time of looking', async () => {
    const metrics = createMetrics();
    let parked = 1;
    metrics.watch('parkedPolls', () => parked);
    metrics.watchCacheBytes('remainders', () => 42);
    parked = 3;
    expect(await metrics.text()).toContain('hindsync_parked_polls 3');
    expect(await metrics.text()).toContain('hindsync_cache_bytes{cache="remainders"} 42');
  });

  test('when calls and look-ups are counted -> they are there, in seconds and by name', async () => {
    const metrics = createMetrics();
    metrics.homeserverCallFinished('whoami', 1_500, 200);
    metrics.remainderFound('hit');
    metrics.remainderFound('rebuilt');
    metrics.remainderFound('rebuilt');
    const text = await metrics.text();
    expect(text).toContain('hindsync_homeserver_call_duration_seconds_sum{call="whoami",status="200"} 1.5');
    expect(text).toContain('hindsync_cache_hits_total{cache="session-cursors"} 1');
    expect(text).toContain('hindsync_cache_misses_total{cache="session-cursors"} 2');
    expect(text).toContain('hindsync_cache_rebuilds_total{cache="session-cursors"} 2');
  });

  test('when two apps count -> each for itself', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.requestFinished(aRequest(), 1);
    expect(await labelsOf(other)).toEqual([]);
  });
});

describe('countRequest', () => {
  test.each([
    { name: 'by Fastify', isHijacked: false },
    { name: 'past Fastify', isHijacked: true },
  ])('when a request is answered $name -> counted with its status', async ({ isHijacked }) => {
    const metrics = createMetrics();
    const app = fastify();
    app.addHook('onRequest', async ({ raw }, reply) =>
      countRequest(metrics.requestFinished, 'passthrough', raw, reply.raw),
    );
    app.get('/a', (_request, reply) => {
      if (!isHijacked) return reply.code(418).send();
      reply.hijack();
      return reply.raw.writeHead(418).end();
    });
    const url = await app.listen({ port: 0 });
    await fetch(`${url}/a`).then((response) => response.arrayBuffer());
    await app.close();
    expect(await labelsOf(metrics)).toEqual([
      'endpoint="passthrough",prefix="other",method="GET",status="418"',
    ]);
  });

  test('when the client leaves before an answer -> counted with status 0', async () => {
    const metrics = createMetrics();
    const app = fastify();
    const counted = new Promise<void>((resolve) => {
      app.addHook('onRequest', (_request, reply, done) => {
        reply.raw.once('close', () => setImmediate(resolve));
        done();
      });
    });
    app.addHook('onRequest', async ({ raw }, reply) =>
      countRequest(metrics.requestFinished, 'events', raw, reply.raw),
    );
    app.get('/a', (_request, reply) => void reply.hijack());
    await app.listen({ port: 0 });
    const client = connect((app.server.address() as AddressInfo).port);
    app.server.once('request', () => client.destroy());
    client.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(client, 'close');
    await counted;
    await app.close();
    expect(await labelsOf(metrics)).toEqual(['endpoint="events",prefix="other",method="GET",status="0"']);
  });
});

describe('GET /metrics', () => {
  test('when Prometheus looks -> its text format, with the process', async () => {
    const app = fastify();
    app.register(metricsRoutes, { metrics: createMetrics() });
    const response = await app.inject('/metrics');
    expect(response.headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(response.body).toContain('hindsync_process_resident_memory_bytes');
  });
});
