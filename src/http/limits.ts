// What the listening server bounds before any handler runs, and what it says to bytes that are no request.

import { createServer, STATUS_CODES } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { LogController } from 'fastify';
import type { FastifyHttpOptions } from 'fastify';
import { MatrixError } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { ClientResponse, toUsualHeaders } from './client-response.ts';
import { toErrorAnswer, writeError } from './error-handler.ts';
import { oneAtATime } from './in-order.ts';
import { toOriginForm } from './origin-form.ts';

export interface ServerLimits {
  /** The most bytes of a request's line and headers together. */
  maxHeaderSize: number;
  /** How long a request's line and headers may take to arrive. */
  headersTimeoutMs: Milliseconds;
  /** How long a whole request may take to arrive, body included: 100 MB at half a megabit. A parked poll has arrived. */
  requestTimeoutMs: Milliseconds;
  /** How long an idle connection stays open: longer than Caddy (120 s), Traefik (90 s) and nginx (60 s) keep theirs. */
  keepAliveTimeoutMs: Milliseconds;
  /** How often the two deadlines are looked at. */
  checkIntervalMs: Milliseconds;
  /** So many connections of clients may be open; a further one is closed at once. */
  maxConnections: number;
  /** The most characters of one path parameter, as sent: those of an id of 1,000 characters, all of them escaped. */
  maxParamLength: number;
}

export const defaultLimits: Readonly<ServerLimits> = {
  maxHeaderSize: 64 * 1024,
  headersTimeoutMs: 30_000,
  requestTimeoutMs: 30 * 60_000,
  keepAliveTimeoutMs: 130_000,
  checkIntervalMs: 5_000,
  maxConnections: Infinity,
  maxParamLength: 4096,
};

/** Builds the options of the clients' server, for `fastify({ ...createServerOptions(…), loggerInstance })`. */
export function createServerOptions(given: {
  /** Requests that the router refuses: a path with a bad escape, a parameter that is too long. */
  frameworkErrors: NonNullable<FastifyHttpOptions<Server>['frameworkErrors']>;
  limits?: Partial<ServerLimits>;
  /** Is called for each connection that was closed as one too many. */
  onDropped?: () => void;
}): FastifyHttpOptions<Server> {
  const limits = { ...defaultLimits, ...given.limits };
  return {
    serverFactory: (handler) => createClientServer(handler, limits, given.onDropped),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // The query is read from the raw URL, by `queryOf`.
    routerOptions: { maxParamLength: limits.maxParamLength, querystringParser: () => ({}) },
    frameworkErrors: given.frameworkErrors,
    clientErrorHandler: answerClientError,
    exposeHeadRoutes: false,
    logController: new LogController({ disableRequestLogging: true }),
    // While draining, requests on open connections are answered as usual.
    return503OnClosing: false,
  };
}

function createClientServer(
  handler: RequestListener,
  limits: ServerLimits,
  onDropped: () => void = () => {},
): Server {
  const server = createServer(
    {
      ServerResponse: ClientResponse,
      maxHeaderSize: limits.maxHeaderSize,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
      // Node would refuse without a body; the pass-through does it in Matrix form.
      requireHostHeader: false,
      // Finds out that a client with a parked poll is gone from the net.
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    },
    oneAtATime((request, response) => {
      toOriginForm(request);
      handler(request, response);
    }),
  );
  if (Number.isFinite(limits.maxConnections)) server.maxConnections = limits.maxConnections;
  server.on('drop', onDropped);
  // `100-continue` Node answers by itself.
  server.on('checkExpectation', (_request, response) => {
    writeError(response, new MatrixError(417, 'M_UNKNOWN', 'Expectation failed'));
  });
  return server;
}

/** Answers what Node could not parse, or not in time, and closes the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET' || isAnswering(socket)) {
    socket.destroy(error);
    return;
  }
  const { status, headers, body } = toErrorAnswer(clientErrors[error.code ?? ''] ?? badRequest);
  const lines = Object.entries(
    toUsualHeaders({ ...headers, 'content-length': body.length, connection: 'close' }),
  );
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`,
  );
  socket.write(body);
  socket.destroySoon();
}

const badRequest = new MatrixError(400, 'M_UNKNOWN', 'The request is not valid HTTP/1.1');
const clientErrors: Readonly<Record<string, MatrixError>> = {
  HPE_HEADER_OVERFLOW: new MatrixError(431, 'M_TOO_LARGE', 'The request has too many or too long headers'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new MatrixError(413, 'M_TOO_LARGE', 'The chunk extensions are too long'),
  ERR_HTTP_REQUEST_TIMEOUT: new MatrixError(408, 'M_UNKNOWN', 'The request did not arrive in time'),
};

/**
 * Tells whether an answer to an earlier request is still due on the socket, so that bytes of ours would be taken for it.
 *
 * The bad bytes may also be the body of that very request: then, and only while its answer has not begun, they get one.
 */
function isAnswering(
  socket: Socket & { _httpMessage?: { headersSent: boolean; req: IncomingMessage } | null },
): boolean {
  const { _httpMessage: response } = socket;
  return response !== undefined && response !== null && (response.headersSent || response.req.complete);
}
