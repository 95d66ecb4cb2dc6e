// What a gateway of the tests takes for the homeserver: Synapse, without some of its endpoints.

import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Blocker {
  url: string;
  /** The calls of blocked paths so far, as `GET /path` without query: a gateway makes none. */
  blockedCalls: readonly string[];
  /** Resolves when next a request to such a path is on its way to the homeserver. */
  untilPassed(path: RegExp): Promise<void>;
  /** As when the homeserver is restarted: cuts every connection, and refuses new ones until `comeBack`. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

const UNRECOGNIZED = JSON.stringify({ errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' });

/** Every prefix under which a homeserver ever answered them. */
const legacyPath = (path: string): RegExp =>
  new RegExp(`^/_matrix/client/(?:api/v1|r0|v1|v2|v3|unstable|v2_alpha)/${path}$`);

/** The deprecated sync API: what a homeserver without it answers 404 to. */
export const legacySyncPaths: readonly RegExp[] = [
  legacyPath('events'),
  legacyPath('events/.*'),
  legacyPath('initialSync'),
  legacyPath('rooms/[^/]+/initialSync'),
  /^\/_matrix\/client\/v2_alpha\/sync$/,
];

/** All of the two oldest prefixes, as on every homeserver but Synapse. */
export const wholeOfV1: readonly RegExp[] = [/^\/_matrix\/client\/(?:api\/v1|v2_alpha)\//];

/** Starts a server in front of `homeserverUrl` that lacks `paths`; what else comes passes as it is, both ways. */
export async function startBlocker(homeserverUrl: string, paths: readonly RegExp[]): Promise<Blocker> {
  const { hostname, port } = new URL(homeserverUrl);
  const blockedCalls: string[] = [];
  const waiting = new Set<{ path: RegExp; resolve: () => void }>();
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? '').split('?', 1)[0] ?? '';
    if (paths.some((blocked) => blocked.test(path))) {
      blockedCalls.push(`${incoming.method} ${path}`);
      incoming.resume();
      outgoing.writeHead(404, { 'content-type': 'application/json' }).end(UNRECOGNIZED);
      return;
    }
    pass(incoming, outgoing, { hostname, port });
    for (const each of waiting) if (each.path.test(path) && waiting.delete(each)) each.resolve();
  });
  server.on('checkContinue', (incoming, outgoing) => pass(incoming, outgoing, { hostname, port }));
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    blockedCalls,
    untilPassed: (path) => new Promise((resolve) => waiting.add({ path, resolve })),
    goAway: close,
    comeBack: async () => {
      server.listen(address.port, '127.0.0.1');
      await once(server, 'listening');
    },
    close,
  };

  async function close(): Promise<void> {
    const closed = once(server.close(), 'close');
    server.closeAllConnections();
    await closed;
  }
}

function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: { hostname: string; port: string },
): void {
  const upstream = request({
    ...target,
    method: incoming.method ?? 'GET',
    path: incoming.url ?? '/',
    headers: incoming.rawHeaders,
    agent: false,
  });
  upstream.on('continue', () => outgoing.writeContinue());
  upstream.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', answer.rawHeaders);
    outgoing.flushHeaders();
    answer.on('error', () => outgoing.destroy());
    answer.pipe(outgoing);
  });
  upstream.on('error', () => outgoing.destroy());
  outgoing.on('close', () => upstream.destroy());
  incoming.on('error', () => upstream.destroy());
  incoming.pipe(upstream);
}
