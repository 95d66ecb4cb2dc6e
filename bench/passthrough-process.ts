// One process of the pass-through bench, by its first argument: `homeserver`, `pass-through`, `hindsync` or `http-proxy`
// (then the homeserver's port). Says `{port}` when it listens, and its CPU time so far, in microseconds, whenever it is asked.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastifyHttpProxy from '@fastify/http-proxy';
import Fastify from 'fastify';
import { createApp } from '../src/app.ts';
import { readConfig } from '../src/config/config.ts';
import { createHomeserverPaths } from '../src/passthrough/legacy-prefixes.ts';
import { SAME_PATHS } from '../src/routes.ts';
import { passthrough } from '../src/passthrough/pass-routes.ts';
import { createPassThrough } from '../src/passthrough/passthrough.ts';
import { connectTo } from '../src/homeserver/connections.ts';
import { installErrorHandler } from '../src/http/error-handler.ts';
import { createServerOptions } from '../src/http/limits.ts';
import { createLogger } from '../src/http/logging.ts';
import { keepMemoryFlat } from '../src/operate/memory.ts';
import { aPollAnswer } from './poll-answer.ts';

const [role, homeserverPort] = process.argv.slice(2);
const upstream = `http://127.0.0.1:${homeserverPort}`;

const start = {
  homeserver: startHomeserver,
  'pass-through': startPassThrough,
  hindsync: startHindsync,
  'http-proxy': startHttpProxy,
}[role ?? ''];
if (start === undefined) throw new Error(`no such role: ${role}`);
const port = await start();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system, rss: process.memoryUsage.rss() });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port });

/** Answers from memory, by the last part of the path: a size in bytes, or how many it was sent. */
async function startHomeserver(): Promise<number> {
  const bodies = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    if (request.method !== 'GET') {
      let length = 0;
      request.on('data', (chunk: Buffer) => (length += chunk.length));
      request.on('end', () => response.end(String(length)));
      return;
    }
    if (request.url?.endsWith('/versions') === true) {
      response.end('{"versions":["r0.6.1","v1.11"]}');
      return;
    }
    const size = request.url?.split('/').at(-1) ?? '';
    const body = bodies.get(size) ?? (size.startsWith('sync') ? aPollAnswer : bytesOf(Number(size)));
    bodies.set(size, body);
    response.writeHead(200, {
      Server: 'Synapse/1.163.2',
      'Content-Type': 'application/json',
      'Cache-Control': 'no-cache, no-store, must-revalidate',
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
      'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization, Date',
      'Content-Length': body.length,
    });
    response.end(body);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1024, resolve));
  return (server.address() as AddressInfo).port;
}

function bytesOf(size: number): Buffer {
  return Buffer.alloc(size, '{"a":"b"} ');
}

/** The endpoint alone, put together as the app does it, with every guard on. */
async function startPassThrough(): Promise<number> {
  keepMemoryFlat();
  const connections = connectTo(upstream, { passPaths: ['/_matrix/'] });
  const passThrough = createPassThrough({
    connections,
    passPaths: ['/_matrix/', '/_synapse/client/', '/.well-known/matrix/'],
    trustedProxies: ['loopback'],
    answerIdleMs: 60_000,
    deadlineMs: 600_000,
    toHomeserverPath: createHomeserverPaths(SAME_PATHS),
    prefixesOf: () => ({ hasR0: true, hasV3: true }),
    hasAuthenticatedMedia: () => false,
    onAnswered: () => {},
  });
  const app = Fastify(
    createServerOptions({ frameworkErrors: (_error, request, reply) => passThrough(request, reply) }),
  );
  installErrorHandler(app);
  await app.register(passthrough, { connections, passThrough });
  await app.listen({ host: '127.0.0.1', port: 0, backlog: 1024 });
  return (app.server.address() as AddressInfo).port;
}

/** All of it: every route, metrics, and what is learned about sessions. */
async function startHindsync(): Promise<number> {
  keepMemoryFlat();
  const listeners = ['--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0'];
  const argv = ['--homeserver-url', upstream, '--homeserver-kind', 'synapse', ...listeners];
  const config = readConfig({ argv, env: {}, readFile: () => '' });
  const app = await createApp(config, { logger: createLogger({ level: 'warn' }) });
  return Number(new URL((await app.listen()).url).port);
}

async function startHttpProxy(): Promise<number> {
  const app = Fastify();
  await app.register(fastifyHttpProxy, { upstream });
  await app.listen({ host: '127.0.0.1', port: 0, backlog: 1024 });
  return (app.server.address() as AddressInfo).port;
}
