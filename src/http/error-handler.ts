// The one place that puts errors on the wire: as a Fastify reply, on a hijacked response, or on a bare socket.

import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HomeserverError, MatrixError, unrecognized } from '../matrix/errors.ts';
import { jsonHeaders } from './cors.ts';
import type { Incidents } from './incidents.ts';
import { withoutSecrets } from './redaction.ts';

/** The answer that a client gets for an error. */
export interface ErrorAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * Anything thrown → the answer to send.
 *
 * The homeserver's own errors keep body, content type and `Retry-After`; a foreign error shows nothing of itself,
 * as it may hold an inner address: a 4xx of Fastify becomes its status' usual words, the rest a 500.
 */
export function toErrorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof HomeserverError) {
    return answer(error.status, error.body, error.headers);
  }
  if (error instanceof MatrixError) {
    const body = { errcode: error.errcode, error: error.message, ...error.fields };
    return answer(error.status, JSON.stringify(body), retryAfter(error.fields['retry_after_ms']));
  }
  const status = clientFaultOf(error);
  if (status === undefined) return answer(500, '{"errcode":"M_UNKNOWN","error":"Internal server error"}');
  const errcode = fastifyErrcodes[status] ?? 'M_UNKNOWN';
  return answer(status, JSON.stringify({ errcode, error: STATUS_CODES[status] ?? 'Bad Request' }));
}

declare module 'fastify' {
  interface FastifyInstance {
    /** A route's scope notes here what an operator must see; undefined where nobody listens. */
    incidents: Incidents | undefined;
  }
}

/** Makes every error and every unknown path of the app a Matrix answer. Call it before routes are registered. */
export function installErrorHandler(app: FastifyInstance, incidents?: Incidents): void {
  app.decorate('incidents', incidents);
  app.setErrorHandler((error, request, reply) => {
    // Whatever fails because the client has left is nobody's to look into. (Fastify's signal also aborts when a body was
    // read, and later than the response is closed.)
    if (isUnexpected(error) && !reply.raw.destroyed)
      request.log.error({ err: withoutTokens(error) }, 'unexpected error');
    const { status, headers, body } = toErrorAnswer(error);
    if (status === 429 && !(error instanceof HomeserverError))
      incidents?.note('a request was refused, as too many are under way');
    return reply.code(status).headers(headers).send(body);
  });
  app.setNotFoundHandler((_request, _reply) => {
    throw unrecognized();
  });
}

/** The handler for methods that a path of ours does not have. */
export function methodNotAllowed(_request: FastifyRequest, _reply: FastifyReply): never {
  throw unrecognized(405);
}

/** Sends the error on a response that Fastify no longer looks after; does nothing if one has begun. */
export function writeError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const { status, headers, body } = toErrorAnswer(error);
  response.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
}

/** Tells whether an error was thrown without intention, by a fault of ours, and so belongs in the log. */
export function isUnexpected(error: unknown): boolean {
  return !(error instanceof MatrixError) && clientFaultOf(error) === undefined;
}

/** An error → how it may be logged: without anything in its texts that looks like an access token. */
export function withoutTokens(error: unknown): { type: string; message: string; stack: string } {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return { type: name, message: withoutSecrets(message), stack: withoutSecrets(stack ?? '') };
}

const fastifyErrcodes: Readonly<Record<number, string>> = {
  400: 'M_NOT_JSON',
  413: 'M_TOO_LARGE',
  415: 'M_NOT_JSON',
};

/** An error → its status, where Fastify made it of a bad request; undefined for any other. */
function clientFaultOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return undefined;
  const { statusCode, code } = error;
  if (typeof statusCode !== 'number' || !String(code).startsWith('FST_')) return undefined;
  return statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}

function retryAfter(milliseconds: unknown): Record<string, string> {
  return typeof milliseconds === 'number' ? { 'retry-after': String(Math.ceil(milliseconds / 1000)) } : {};
}

function answer(status: number, body: string | Buffer, headers: Record<string, string> = {}): ErrorAnswer {
  return { status, headers: { ...jsonHeaders, ...headers }, body: Buffer.from(body) };
}
