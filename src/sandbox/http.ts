// The sandbox on the wire: routes under their prefixes, access tokens and errors.

import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { JsonObject } from '../matrix/client-event.ts';
import { MatrixError, unrecognized } from '../matrix/errors.ts';
import type { AccessToken } from '../matrix/identifiers.ts';
import type { SandboxHomeserver } from './homeserver.ts';
import { accountDataRoutes } from './routes/account-data.ts';
import { accountRoutes } from './routes/accounts.ts';
import { directoryRoutes } from './routes/directory.ts';
import { mediaRoutes } from './routes/media.ts';
import { membershipRoutes } from './routes/membership.ts';
import { readingRoutes } from './routes/reading.ts';
import { Bytes, type Call, type Route } from './routes/route.ts';
import { sendingRoutes } from './routes/sending.ts';
import { syncRoutes } from './routes/sync.ts';
import { userRoutes } from './routes/users.ts';
import type { Session } from './user.ts';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const;
const MOST_BODY_BYTES = 200 * 1024 * 1024;
const MOST_HEADER_BYTES = 64 * 1024;
const HEADERS = {
  server: 'hindsync-sandbox',
  'cache-control': 'no-cache, no-store, must-revalidate',
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization, Date',
};

/** All routes, in one list. */
export function createRoutes(homeserver: SandboxHomeserver): Route[] {
  return [
    accountRoutes,
    membershipRoutes,
    sendingRoutes,
    readingRoutes,
    directoryRoutes,
    syncRoutes,
    accountDataRoutes,
    userRoutes,
    mediaRoutes,
  ].flatMap((routes) => routes(homeserver));
}

/** An HTTP server that does not listen yet. `prepare` may add hooks to it, which see each request before it is answered. */
export function createHttpServer(
  homeserver: SandboxHomeserver,
  routes: readonly Route[],
  prepare: (app: FastifyInstance) => void = () => {},
): FastifyInstance {
  const app = fastify({
    bodyLimit: MOST_BODY_BYTES,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 5000 },
    http: { maxHeaderSize: MOST_HEADER_BYTES },
    frameworkErrors: (error, _request, reply) => sendError(error, reply),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => sendError(error, reply));
  app.setNotFoundHandler(() => {
    throw unrecognized();
  });
  app.addHook('onRequest', async (_request, reply) => void reply.headers(HEADERS));
  prepare(app);
  app.addHook('onRequest', async (request, reply) =>
    request.method === 'OPTIONS' ? reply.code(204).send() : undefined,
  );
  for (const [path, handlers] of byPath(routes)) addPath(app, homeserver, path, handlers);
  return app;
}

/** Full path → what each method of it does. */
function byPath(routes: readonly Route[]): Map<string, Map<string, Route>> {
  const paths = new Map<string, Map<string, Route>>();
  for (const route of routes) {
    const prefixes = route.path.startsWith('/_matrix') ? [''] : ['/_matrix/client/r0', '/_matrix/client/v3'];
    for (const prefix of prefixes) {
      const path = prefix + route.path;
      paths.set(path, (paths.get(path) ?? new Map<string, Route>()).set(route.method, route));
    }
  }
  return paths;
}

function addPath(
  app: FastifyInstance,
  homeserver: SandboxHomeserver,
  url: string,
  handlers: ReadonlyMap<string, Route>,
): void {
  for (const [method, route] of handlers)
    app.route({
      method,
      url,
      handler: async (request, reply) => {
        const answer = await route.handle(toCall(homeserver, route, request));
        if (answer instanceof Bytes) return reply.type(answer.contentType).send(answer.bytes);
        return reply.type('application/json').send(JSON.stringify(answer));
      },
    });
  app.route({
    method: METHODS.filter((method) => !handlers.has(method)),
    url,
    exposeHeadRoute: false,
    handler: () => {
      throw unrecognized(405);
    },
  });
}

function toCall(homeserver: SandboxHomeserver, route: Route, request: FastifyRequest): Call {
  const session = findSession(homeserver, route, request.headers.authorization);
  const isMedia = request.originalUrl.startsWith('/_matrix/media');
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  return {
    // Routes for anybody never look at it.
    session: session as Session,
    params: request.params as Record<string, string>,
    query: new URL(request.originalUrl, 'http://sandbox').searchParams,
    body: isMedia ? {} : parseBody(bytes),
    bytes,
    contentType: request.headers['content-type'] ?? 'application/octet-stream',
    signal: request.signal,
  };
}

/** The header alone: the specification dropped tokens in the query, and so does the sandbox. */
function findSession(
  homeserver: SandboxHomeserver,
  route: Route,
  authorization: string | undefined,
): Session | undefined {
  if (route.who === 'anybody') return undefined;
  const accessToken = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
  if (accessToken === undefined) throw new MatrixError(401, 'M_MISSING_TOKEN', 'Missing access token');
  const session = homeserver.sessions.get(accessToken as AccessToken);
  if (session === undefined)
    throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'Invalid access token passed.', { soft_logout: false });
  if (session.user.isGuest && route.who !== 'guests too')
    throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guest access not allowed');
  return session;
}

function parseBody(bytes: Buffer): JsonObject {
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw new MatrixError(400, 'M_NOT_JSON', 'Content not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MatrixError(400, 'M_BAD_JSON', 'Content must be a JSON object.');
  return value as JsonObject;
}

function sendError(error: unknown, reply: FastifyReply): void {
  const { status, errcode, message, fields } =
    error instanceof MatrixError ? error : toMatrixError(error as Error & { statusCode?: number });
  const body = JSON.stringify({ errcode, error: message, ...fields });
  void reply.code(status).type('application/json').send(body);
}

function toMatrixError({ statusCode = 500, message }: Error & { statusCode?: number }): MatrixError {
  return new MatrixError(statusCode, 'M_UNKNOWN', message);
}
