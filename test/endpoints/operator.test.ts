// What an operator sees of trouble, and what a balancer in front sees of the homeserver.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createApp, type App } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/http/logging.ts';

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(
  homeserverUrl: string,
): Promise<{ url: string; lines: { level: number; msg: string }[] }> {
  const lines: { level: number; msg: string }[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const argv = ['--homeserver-url', homeserverUrl, '--homeserver-kind', 'synapse', '--drain-deadline', '0'];
  const anyPort = { host: '127.0.0.1', port: 0 };
  const config = {
    ...readConfig({ argv, env: {}, readFile: () => '' }),
    listen: anyPort,
    internalListen: anyPort,
  };
  const app: App = await createApp(config, { logger: createLogger({ level: 'warn', stream }) });
  closers.push(() => app.drain());
  return { url: (await app.listen()).url, lines };
}

async function startHomeserver(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const DOWN = 'the homeserver does not answer, or not in a way that can be used';

describe('the log', () => {
  test('a homeserver that is down, asked by passed requests and by our own -> one line', async () => {
    const { url, lines } = await start('http://127.0.0.1:9');
    const headers = { authorization: 'Bearer secret' };
    const paths = ['v3/account/whoami', 'r0/initialSync', 'v3/sync', 'r0/events?timeout=0', 'v3/x'];
    const answers = await Promise.all(
      [...paths, ...paths].map((path) => fetch(`${url}/_matrix/client/${path}`, { headers })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(502));
    expect(lines.filter(({ msg }) => msg === DOWN)).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toMatch(/secret/);
  });

  test('clients that leave while they wait, with and without a body -> nothing', async () => {
    const asked: string[] = [];
    let wake = () => {};
    const homeserver = await startHomeserver(
      createServer(({ url = '' }, response) => {
        if (url.endsWith('/versions')) return response.end('{"versions":["v1.11"]}');
        if (url.endsWith('/whoami')) return response.end('{"user_id":"@a:b","device_id":"D"}');
        asked.push(url);
        wake();
        return response.on('close', () => wake());
      }),
    );
    const { url, lines } = await start(homeserver);
    const requests = [
      'GET /_matrix/client/v2_alpha/sync?timeout=30000',
      'GET /_matrix/client/r0/events?from=s1_1&timeout=30000',
      'GET /_matrix/client/r0/initialSync',
      'GET /_matrix/client/api/v1/publicRooms',
      'GET /_matrix/client/api/v1/rooms/!a/members',
      'POST /_matrix/client/api/v1/presence/list/@a:b',
      'GET /_matrix/client/v3/sync',
    ];
    for (const request of requests) {
      const before = asked.length;
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write(
        `${request} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\nContent-Length: 2\r\n\r\n{}`,
      );
      const isAnswered = once(socket, 'data');
      const isAsked = (async () => {
        while (asked.length === before) await new Promise<void>((resolve) => (wake = resolve));
      })();
      await Promise.race([isAnswered, isAsked]);
      socket.destroy();
    }
    await fetch(`${url}/nowhere`);
    expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
  });
});

describe('GET /health at the clients’ port', () => {
  test('-> the homeserver’s own answer, and nothing below another name', async () => {
    const homeserver = await startHomeserver(
      createServer(({ url }, response) => response.end(url === '/health' ? 'OK' : '{"versions":["v1.11"]}')),
    );
    const { url } = await start(homeserver);
    expect(await (await fetch(`${url}/health`)).text()).toBe('OK');
    expect((await fetch(`${url}/healthz`)).status).toBe(404);
  });
});
