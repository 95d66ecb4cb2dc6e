import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Milliseconds } from '../../../src/matrix/identifiers.ts';
import { cutAfter, garble } from './broken-body.ts';
import type { Faults, RequestFault } from './faults.ts';

/** Makes requests meet the faults that are switched on for them: late, answered with something else, or broken off. */
export function addFaultHooks(app: FastifyInstance, faults: Faults): void {
  const met = new WeakMap<FastifyRequest, RequestFault>();
  app.addHook('onRequest', async (request, reply) => {
    const fault = faults.take(request.method, request.originalUrl);
    met.set(request, fault);
    if (fault.delayMs !== undefined) await delay(fault.delayMs, request.signal);
    if (fault.answer === undefined) return undefined;
    const { status, headers = {}, body } = fault.answer;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return reply.code(status).type('application/json').headers(headers).send(text);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const { cutAfterBytes, isGarbage } = met.get(request) ?? {};
    if (cutAfterBytes !== undefined) return cutAfter(cutAfterBytes, payload, request, reply);
    return isGarbage === true ? garble(payload, reply) : payload;
  });
}

/** Ends early when the client leaves. */
async function delay(durationMs: Milliseconds, signal: AbortSignal): Promise<void> {
  await setTimeout(durationMs, undefined, { signal }).catch(() => undefined);
}
