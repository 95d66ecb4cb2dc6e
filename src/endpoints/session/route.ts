import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerPreflight } from '../../http/cors.ts';
import { methodNotAllowed } from '../../http/error-handler.ts';
import type { SessionReader } from './session.ts';

const OTHER_METHODS = ['POST', 'PUT', 'DELETE', 'PATCH'] as const;

/**
 * A path that is ours, as native treats its own: GET is answered; HEAD checks the access token, and gives headers at once
 * instead of doing the work; OPTIONS is a preflight; the other methods are 405.
 *
 * @see docs/reference/synapse-legacy.md#common-http-facts
 */
export function answerGet(
  app: FastifyInstance,
  path: string,
  sessions: SessionReader,
  handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
): void {
  app.get(path, { exposeHeadRoute: false }, handler);
  app.head(path, async (request, reply) => {
    await sessions.checkedSessionOf(request);
    return reply.type('application/json').send();
  });
  app.options(path, answerPreflight);
  // Before the body is looked at, which may be none that we read.
  app.route({
    method: [...OTHER_METHODS],
    url: path,
    onRequest: methodNotAllowed,
    handler: methodNotAllowed,
  });
}
