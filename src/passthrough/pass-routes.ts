import { METHODS } from 'node:http';
import fastifyHttpProxy from '@fastify/http-proxy';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import type { Connections } from '../homeserver/connections.ts';
import { matchesAsSent, pathOf } from '../http/raw-url.ts';
import { hasDotSegment } from '../matrix/dot-segments.ts';
import { unrecognized } from '../matrix/errors.ts';
import type { PassThrough } from './passthrough.ts';

/**
 * The hook of a scope of our own routes: only what is one of them as it was sent, byte for byte, is answered here. Fastify's
 * router decodes before it looks; natively `%5Fmatrix` and `%69nitialSync` are no routes, so they pass on like any other
 * path, under the same guard.
 */
export function answerOnlyAsSent(passThrough: PassThrough): onRequestHookHandler {
  return (request, reply, done) => {
    const rawPath = pathOf(request.raw.url ?? '');
    if (hasDotSegment(rawPath)) done(unrecognized());
    else if (matchesAsSent(request.routeOptions.url ?? '', rawPath)) done();
    else passThrough(request, reply);
  };
}

/** Every path and method that the app has no other route for. */
export async function passthrough(
  app: FastifyInstance,
  options: { connections: Connections; passThrough: PassThrough },
): Promise<void> {
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  // The hook answers. After it Fastify would refuse what it cannot read as a media type, and http-proxy would take the
  // URL apart, which costs a tenth of the CPU time; so its part is the routes.
  app.addHook('onRequest', (request, reply, _done) => options.passThrough(request, reply));
  // Nothing is logged of a single request here, so none gets a logger of its own: that costs one in fifteen more.
  app.setChildLoggerFactory((logger) => logger);
  await app.register(fastifyHttpProxy, {
    upstream: options.connections.origin,
    httpMethods: METHODS.filter((method) => method !== 'CONNECT'),
    // Its own sending would rebuild the URL, retry, and lose aborts: it never sees a path.
    preRewrite: () => '/',
    handler: (request, reply) => options.passThrough(request, reply),
  });
}
