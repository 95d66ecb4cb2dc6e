// The gateway's side of `hindsync doctor`: what the doctor sends through a reverse proxy is answered here, and says how
// it arrived. None of it reaches the homeserver.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createClientAddressReader } from '../../passthrough/client-address.ts';
import type { Clock } from '../../scheduling/clock.ts';
import { corsHeaders } from '../../http/cors.ts';
import { createPeerLookup } from '../../http/forwarded.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import { PROBE_HEADER, readProbe, type Arrival, type ProbeOrder } from './probe.ts';

export interface Probes {
  /** Answers a request of the doctor's on the clients' listener; false for everybody else's. */
  readonly take: (request: FastifyRequest, reply: FastifyReply) => boolean;
  /** `POST /doctor` opens a visit, `GET /doctor/{nonce}` tells what arrived, `DELETE` ends it: on the internal listener. */
  readonly routes: (app: FastifyInstance) => Promise<void>;
}

interface Visit {
  until: Milliseconds;
  arrivals: Arrival[];
}

/** A visit takes little more than the longest of its polls. */
const VISIT_MS: Milliseconds = 5 * 60_000;
const MOST_VISITS = 4;
const MOST_ARRIVALS = 200;
const LONGEST_WAIT_MS: Milliseconds = 120_000;

/**
 * Builds both sides of a visit of the doctor's.
 *
 * Only who can reach the internal listener can open one, so that no client can make the gateway answer or wait. While
 * none is open, a request costs one comparison.
 */
export function createProbes({
  clock,
  trustedProxies,
}: {
  clock: Pick<Clock, 'now'>;
  trustedProxies: readonly string[];
}): Probes {
  const visits = new Map<string, Visit>();
  const peerOf = createPeerLookup(trustedProxies);
  const clientAddressOf = createClientAddressReader(trustedProxies);

  function visitOf(nonce: string): Visit | undefined {
    for (const [each, { until }] of visits) if (until < clock.now()) visits.delete(each);
    return visits.get(nonce);
  }

  function open(): string {
    visitOf('');
    const oldest = visits.keys().next();
    if (visits.size >= MOST_VISITS && !oldest.done) visits.delete(oldest.value);
    const nonce = randomBytes(16).toString('hex');
    visits.set(nonce, { until: clock.now() + VISIT_MS, arrivals: [] });
    return nonce;
  }

  function arrivalOf(request: IncomingMessage, { id }: ProbeOrder): Arrival {
    const peer = peerOf(request.socket);
    const { 'x-forwarded-for': forwardedFor, host, authorization } = request.headers;
    return {
      id,
      method: request.method ?? '',
      rawUrl: request.url ?? '',
      host: host ?? '',
      authorization: authorization ?? '',
      forwardedFor: String(forwardedFor ?? ''),
      peerAddress: peer.address ?? '',
      isPeerTrusted: peer.isTrusted,
      clientAddress: clientAddressOf(request, peer) ?? '',
      bodyBytes: 0,
      bodyMs: 0,
    };
  }

  return {
    take: (request, reply) => {
      if (visits.size === 0) return false;
      const probe = readProbe(request.raw.headers[PROBE_HEADER]);
      const visit = probe && visitOf(probe.nonce);
      if (probe === undefined || visit === undefined) return false;
      const arrival = arrivalOf(request.raw, probe);
      if (visit.arrivals.length < MOST_ARRIVALS) visit.arrivals.push(arrival);
      reply.hijack();
      void answer(request.raw, reply.raw, arrival, probe);
      return true;
    },
    routes: async (app) => {
      app.post('/doctor', { logLevel: 'silent' }, async (_request, reply) =>
        reply.code(201).send({ nonce: open() }),
      );
      app.get<{ Params: { nonce: string } }>('/doctor/:nonce', async ({ params }, reply) => {
        const visit = visitOf(params.nonce);
        return visit ?? reply.code(404).send({ error: 'no such visit' });
      });
      app.delete<{ Params: { nonce: string } }>('/doctor/:nonce', async ({ params }, reply) => {
        visits.delete(params.nonce);
        return reply.code(204).send();
      });
    },
  };
}

/** Reads the body to its end, waits as it was told, and says what arrived. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  arrival: Arrival,
  order: ProbeOrder,
): Promise<void> {
  try {
    await countBody(request, arrival);
    const waitMs = Math.min(order.waitMs, LONGEST_WAIT_MS);
    const body = Buffer.from(JSON.stringify(arrival));
    const headers = {
      ...corsHeaders,
      'content-type': 'application/json',
      [PROBE_HEADER]: order.nonce,
      'content-length': body.length + 1,
    };
    if (!order.isDripping) await pause(waitMs, response);
    response.writeHead(200, headers);
    // White space before JSON is nothing.
    response.write(' ');
    if (order.isDripping) await pause(waitMs, response);
    response.end(body);
  } catch {
    // The proxy gave up: the visit has what arrived.
    response.destroy();
  }
}

async function countBody(request: IncomingMessage, arrival: Arrival): Promise<void> {
  let firstAt: number | undefined;
  for await (const chunk of request) {
    firstAt ??= performance.now();
    arrival.bodyBytes += (chunk as Buffer).length;
  }
  if (firstAt !== undefined) arrival.bodyMs = performance.now() - firstAt;
}

function pause(durationMs: Milliseconds, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, durationMs);
    response.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
