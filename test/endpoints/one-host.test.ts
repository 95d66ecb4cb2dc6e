// A homeserver behind a name-based virtual host, which answers under one name only.

import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const ROOM = '!r:hs';
const ANSWERS: Record<string, unknown> = {
  versions: { versions: ['r0.6.1', 'v1.11'] },
  version: { server: { name: 'Synapse', version: '1' } },
  whoami: { user_id: '@me:hs', device_id: 'D' },
  sync: {
    next_batch: 's2_1',
    rooms: { join: { [ROOM]: { timeline: { events: [], prev_batch: 't1-1_0' } } } },
  },
  messages: { chunk: [], start: 't1-1_0' },
  joined_rooms: { joined_rooms: [ROOM] },
  [ROOM]: { visibility: 'public' },
  '@me:hs': { membership: 'join' },
  state: [],
  tags: { tags: {} },
};

/** Knows itself by one name; under any other one there is only an error page. */
async function startHomeserver(
  name: (port: number) => string,
): Promise<{ port: number; strangers: string[] }> {
  const strangers: string[] = [];
  const server: Server = createServer(({ url = '', headers }, response) => {
    const { port } = server.address() as AddressInfo;
    const path = decodeURIComponent(url.split('?', 1)[0] ?? '');
    if (headers.host !== name(port)) {
      strangers.push(`${path} as ${headers.host}`);
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Another site</h1>');
      return;
    }
    const answer = ANSWERS[path.split('/').at(-1) ?? ''];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, strangers };
}

/** Asks as a client that knows the homeserver as chat.example. */
async function ask(url: string, path: string): Promise<{ status: number | undefined; text: string }> {
  const headers = { host: 'chat.example', authorization: 'Bearer t' };
  const [answer] = await once(request(`${url}/_matrix/client/${path}`, { headers }).end(), 'response');
  return { status: answer.statusCode, text: (await answer.toArray()).join('') };
}

const PATHS = [
  'versions',
  'v3/account/whoami',
  'r0/initialSync',
  'r0/events?from=s1_1&timeout=0',
  'v2_alpha/sync',
  `r0/rooms/${ROOM}/initialSync`,
  `r0/rooms/${ROOM}/messages?dir=b`,
  'r0/joined_rooms',
];

test.each([
  {
    name: 'the name in homeserver_url',
    nameOf: (port: number) => `127.0.0.1:${port}`,
    hostHeader: 'homeserver_url',
  },
  { name: 'a name of its own', nameOf: () => 'matrix.example', hostHeader: 'matrix.example' },
])(
  'it answers to $name alone, host_header says so -> everything is answered',
  async ({ nameOf, hostHeader }) => {
    const { port, strangers } = await startHomeserver(nameOf);
    const gateway = await startGateway(`http://127.0.0.1:${port}`, { hostHeader });
    closers.push(() => gateway.close());
    const statuses: Record<string, number | undefined> = {};
    for (const path of PATHS) statuses[path] = (await ask(gateway.url, path)).status;
    expect(statuses).toEqual(Object.fromEntries(PATHS.map((path) => [path, 200])));
    expect((await ask(gateway.url, 'r0/initialSync')).text).toContain('"visibility":"public"');
    expect(strangers).toEqual([]);
  },
);

test('it answers to its clients’ name alone, host_header says nothing -> the directory’s error page makes no room private', async () => {
  const { port, strangers } = await startHomeserver(() => 'chat.example');
  const gateway = await startGateway(`http://127.0.0.1:${port}`, { homeserverKind: 'synapse' });
  closers.push(() => gateway.close());
  const { status, text } = await ask(gateway.url, 'r0/initialSync');
  expect([status, text.includes('visibility')]).toEqual([200, false]);
  const asked = new Set(strangers.filter((one) => !one.includes('version')));
  expect([...asked]).toEqual([`/_matrix/client/v3/directory/list/room/${ROOM} as 127.0.0.1:${port}`]);
});
