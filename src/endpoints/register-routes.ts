// Puts the table of routes up on a server.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerPreflight, jsonHeaders } from '../http/cors.ts';
import { methodNotAllowed } from '../http/error-handler.ts';
import { pathOf } from '../http/raw-url.ts';
import { takeBodiesAsBytes } from '../http/request-bodies.ts';
import { PREFIXES, toRouterPath, type Prefix } from '../http/route-pattern.ts';
import { closeSignal } from '../http/send.ts';
import { unrecognized } from '../matrix/errors.ts';
import { answerOnlyAsSent } from '../passthrough/pass-routes.ts';
import { GONE } from './route-rows.ts';
import { toReady, type Listed, type Ready } from './route-answer.ts';
import type { Route } from './route.ts';
import type { Services } from './services.ts';
import { takeForms } from './v1/body.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Under which this request is counted. */
    labelOf?: (request: FastifyRequest) => string;
  }
}

type Answer = (request: FastifyRequest, reply: FastifyReply) => unknown;

const OTHER_METHODS = ['POST', 'PUT', 'DELETE', 'PATCH'] as const;

/**
 * Registers all routes that we answer or refuse, a scope for each prefix. Their answers have Synapse's headers, their
 * bodies are bytes, and `onRequest` is told of each request with the label under which it is counted.
 */
export async function registerRoutes(
  gateway: FastifyInstance,
  routes: readonly Route[],
  services: Services,
  onRequest: (label: string, request: FastifyRequest, reply: FastifyReply) => void,
): Promise<void> {
  const ready = routes
    .filter((route) => route.what !== 'pass')
    .map((route): Ready => toReady(route, services));
  for (const prefix of PREFIXES) {
    const own = ready.filter(({ route }) => route.prefixes.includes(prefix));
    await gateway.register(
      async (scope) => {
        scope.addHook('onRequest', async (request, reply) => {
          const { labelOf } = request.routeOptions.config;
          if (labelOf !== undefined) onRequest(labelOf(request), request, reply);
          reply.headers(jsonHeaders);
        });
        scope.addHook('onRequest', answerOnlyAsSent(services.passThrough));
        takeBodiesAsBytes(scope);
        if (GONE.includes(prefix)) answerForAllBelow(scope);
        const byRequest = Map.groupBy(own, ({ route }) => `${route.methods.join()} ${route.path}`);
        for (const alternatives of byRequest.values()) register(scope, prefix, alternatives, services);
      },
      { prefix: `/_matrix/client/${prefix}` },
    );
  }
}

/** Tells whether a route takes a request. Where the request cannot be read it does: the endpoint says what is wrong. */
function isTaken({ takes }: Ready, request: FastifyRequest): boolean {
  try {
    return takes(request);
  } catch {
    return false;
  }
}

/**
 * Answers for a prefix that no homeserver has: preflights of everything below it are ours, and forms are understood.
 */
function answerForAllBelow(scope: FastifyInstance): void {
  takeForms(scope);
  scope.options('/*', { config: { labelOf: () => 'v1' } }, answerPreflight);
}

/** Routes of one method and path, the one that takes all requests last. */
function register(
  scope: FastifyInstance,
  prefix: Prefix,
  alternatives: readonly Ready[],
  services: Services,
): void {
  const last = alternatives.at(-1);
  if (last === undefined) return;
  const { methods, path } = last.route;
  const takenBy = (request: FastifyRequest): Ready =>
    alternatives.length === 1 ? last : (alternatives.find((one) => isTaken(one, request)) ?? last);
  const answer: Answer = (request, reply) => takenBy(request).answer(request, reply, prefix);
  const url = toRouterPath(path);
  const config = { labelOf: (request: FastifyRequest) => takenBy(request).route.label };
  scope.route({
    method: [...methods],
    url,
    config,
    exposeHeadRoute: false,
    onRequest: async (request, reply) => {
      checkRest(path, request);
      const { route } = takenBy(request);
      const isUnread = route.what === 'answer' && route.isUnread?.(request) === true;
      if (isUnread) await answer(request, reply);
    },
    handler: async (request, reply) => answer(request, reply),
  });
  if (last.route.what === 'answer' && last.route.isWholePath === true)
    registerOtherMethods(scope, last.route, config, services);
}

/** HEAD checks the access token, and gives headers at once instead of doing the work. @see docs/reference/synapse-legacy.md#common-http-facts */
function registerOtherMethods(
  scope: FastifyInstance,
  { path }: Listed,
  config: { labelOf: (request: FastifyRequest) => string },
  { sessions }: Services,
): void {
  const url = toRouterPath(path);
  scope.head(url, { config }, async (request, reply) => {
    checkRest(path, request);
    await sessions.checkedSessionOf(request, closeSignal(reply.raw));
    return reply.type('application/json').send();
  });
  scope.options(url, { config }, answerPreflight);
  // Before the body is looked at, which may be none that we read.
  scope.route({
    method: [...OTHER_METHODS],
    url,
    config,
    onRequest: async (request, reply) => {
      checkRest(path, request);
      methodNotAllowed(request, reply);
    },
    handler: methodNotAllowed,
  });
}

/** The rest that `**` stands for may hold slashes, and may be nothing, but does not end with one. Throws 404 where it does. */
function checkRest(path: string, { raw }: FastifyRequest): void {
  if (!path.endsWith('**')) return;
  const rawPath = pathOf(raw.url ?? '');
  if (rawPath.endsWith('/') && !rawPath.endsWith(`/${path.slice(0, -'**'.length)}`)) throw unrecognized();
}
