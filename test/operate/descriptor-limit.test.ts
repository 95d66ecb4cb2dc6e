// A gateway whose process may have few files open, in front of a homeserver that lets polls wait.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startGatewayProcess } from '../support/gateway-process.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startHomeserver(): Promise<string> {
  const server: Server = createServer(({ url = '' }, response) => {
    if (url.includes('/sync')) return;
    response.setHeader('content-type', 'application/json').end('{"versions":["v1.11"]}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('twice as many polls as files -> /health, /ready and /metrics answer; when they have left, clients are answered', async () => {
  const logs = await mkdtemp(join(tmpdir(), 'hindsync-descriptors-'));
  closers.push(() => rm(logs, { recursive: true }));
  const homeserverUrl = await startHomeserver();
  const gateway = await startGatewayProcess({ name: 'few-files', homeserverUrl, logs, mostFiles: 128 });
  closers.push(() => gateway.kill());

  const { port } = new URL(gateway.url);
  const polls: Socket[] = [];
  const closed: Promise<unknown>[] = [];
  for (let n = 0; n < 256; n += 1) {
    const poll = connect(Number(port), '127.0.0.1').on('error', () => {});
    poll.write(`GET /_matrix/client/v3/sync?access_token=t${n} HTTP/1.1\r\nHost: a\r\n\r\n`);
    polls.push(poll);
    closed.push(new Promise((resolve) => poll.once('close', resolve)));
  }
  // One that is too many is closed at once; where its request had come already, by a reset, for which `once` would reject.
  await Promise.any(closed);
  for (const path of ['health', 'ready', 'metrics'])
    expect([path, (await fetch(`${gateway.internalUrl}/${path}`)).status]).toEqual([path, 200]);

  for (const poll of polls) poll.destroy();
  const ask = () => fetch(`${gateway.url}/_matrix/client/versions`).catch(() => undefined);
  await expect.poll(async () => (await ask())?.status).toBe(200);
}, 60_000);
