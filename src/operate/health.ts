import type { FastifyInstance } from 'fastify';
import type { Clock } from '../scheduling/clock.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';

export interface HealthOptions {
  /** Resolves when the homeserver answers `/versions`; rejects, also when aborted, when it does not. */
  askHomeserver: (signal: AbortSignal) => Promise<unknown>;
  isDraining: () => boolean;
  clock: Pick<Clock, 'now'>;
  /** How long the homeserver may take to answer: shorter than a probe's own deadline. */
  deadlineMs?: Milliseconds;
  /** How long its answer holds, so that probes of many do not add up. */
  rememberMs?: Milliseconds;
}

/**
 * `GET /health` (also `/healthz`, `/live`): 200 while the process lives. `GET /ready`: 200 while the homeserver answers
 * and the gateway is not draining, else 503 with a `reason`; this is what takes it out of a load balancer.
 */
export async function health(app: FastifyInstance, options: HealthOptions): Promise<void> {
  const isReachable = rememberReachability(options);
  for (const path of ['/health', '/healthz', '/live']) app.get(path, { logLevel: 'silent' }, alive);

  app.get('/ready', { logLevel: 'silent' }, async (_request, reply) => {
    if (options.isDraining()) return reply.code(503).send({ status: 'unavailable', reason: 'draining' });
    if (await isReachable()) return { status: 'ok' };
    return reply.code(503).send({ status: 'unavailable', reason: 'the homeserver does not answer' });
  });
}

/** Asks at most once in `rememberMs`, whoever wants to know, also at the same time. */
function rememberReachability(options: HealthOptions): () => Promise<boolean> {
  const { askHomeserver, clock, deadlineMs = 2_000, rememberMs = 1_000 } = options;
  let last: { at: Milliseconds; answer: Promise<boolean> } | undefined;
  const ask = async (): Promise<boolean> => {
    try {
      await askHomeserver(AbortSignal.timeout(deadlineMs));
      return true;
    } catch {
      return false;
    }
  };
  return () => {
    const now = clock.now();
    if (last === undefined || now - last.at >= rememberMs) last = { at: now, answer: ask() };
    return last.answer;
  };
}

const alive = async (): Promise<object> => ({ status: 'ok' });
