// What each client does when the old API is refused: for a while (a brownout), and for good (410). The table in
// docs/operating.md is what was seen here, and is compared with it.

import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createClient, type Room } from 'matrix-js-sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endingFeatureIds } from '../../src/matrix/legacy-features.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';
import { newOldSession, bodiesIn } from '../support/js-sdk-2015.ts';
import { silent } from '../support/peek-sdk.ts';
import {
  matrixClient2015,
  matrixClient2018,
  matrixNio,
  startPythonListener,
  type PythonClient,
} from '../support/synapse/python-client.ts';

/** A client that listens in a room. */
interface Listening {
  /** What it said of itself, for who has to find out why it does not listen. */
  readonly lines?: readonly string[];
  hasHeard(body: string): boolean;
  stop(): unknown;
}
interface OldClient {
  name: string;
  listen(url: string, name: string, roomId: string): Promise<Listening>;
}
interface Seen {
  name: string;
  'in a brownout': string;
  'at 410': string;
}

/** How long the old API is refused, and how long a client is waited for afterwards. */
const REFUSED_MS = 12_000;
const PATIENCE_MS = 45_000;

let sandbox: Awaited<ReturnType<typeof createSandbox>>;
const gateways: Record<string, Gateway> = {};

beforeAll(async () => {
  sandbox = await createSandbox();
  const all = (date: string) => new Map(endingFeatureIds.map((id) => [id, Date.parse(date)]));
  gateways['open'] = await startGateway(sandbox.url);
  gateways['in a brownout'] = await startGateway(sandbox.url, {
    sunsetOn: all('2100-01-01'),
    brownout: { cron: '* * * * *', lengthMs: 60_000 },
  });
  gateways['at 410'] = await startGateway(sandbox.url, {
    sunsetOn: all('2020-01-01'),
    sunsetAnswer: 'refuse',
  });
});
afterAll(async () => {
  for (const gateway of Object.values(gateways)) await gateway.close();
  await sandbox.close();
});

const python = (client: PythonClient): OldClient => ({
  name: client.name.replace(/-(?=\d)/, ' '),
  listen: async (url, name, roomId) => {
    const { lines, stop } = await startPythonListener(client, url, name, roomId);
    return { lines, hasHeard: (body) => lines.includes(`heard ${body}`), stop };
  },
});

// oxlint-disable-next-line typescript/no-explicit-any -- older than TypeScript's types for it
const sdk2019: any = createRequire(import.meta.url)('matrix-js-sdk-2.4');

const clients: OldClient[] = [
  {
    name: 'matrix-js-sdk 0.3.0',
    listen: async (url, name, roomId) => {
      const session = await newOldSession(url, `${name}-own`);
      await session.start();
      await session.client.joinRoom(roomId);
      const hasHeard = (body: string): boolean => {
        const room = session.client.getRoom(roomId);
        return room !== null && bodiesIn(room).includes(body);
      };
      return { hasHeard, stop: () => session.stop() };
    },
  },
  python(matrixClient2015),
  python(matrixClient2018),
  {
    name: 'matrix-js-sdk 2.4.6',
    listen: async (url, name, roomId) => {
      const { user_id: userId, access_token: accessToken } = await logIn(url, name);
      const client = sdk2019.createClient({ baseUrl: url, userId, accessToken });
      client.startClient({ initialSyncLimit: 5 });
      await client.joinRoom(roomId);
      const hasHeard = (body: string): boolean => {
        const room = client.getRoom(roomId);
        return room !== null && bodiesIn(room).includes(body);
      };
      return { hasHeard, stop: () => client.stopClient() };
    },
  },
  python(matrixNio),
  {
    name: 'matrix-js-sdk 43.0.0 (preview)',
    listen: async (url, name, roomId) => {
      const { user_id: userId = '', access_token: accessToken = '' } = await logIn(url, name);
      const client = createClient({ baseUrl: url, userId, accessToken, logger: silent });
      const room: Room = await client.peekInRoom(roomId);
      const hasHeard = (body: string): boolean =>
        room
          .getLiveTimeline()
          .getEvents()
          .some((event) => event.getContent()['body'] === body);
      return { hasHeard, stop: () => client.stopPeeking() };
    },
  },
];

async function post(url: string, path: string, body: object, token = ''): Promise<Record<string, string>> {
  const headers = {
    'content-type': 'application/json',
    ...(token !== '' && { authorization: `Bearer ${token}` }),
  };
  const answer = await fetch(`${url}/_matrix/client/v3/${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  const json = (await answer.json()) as Record<string, string>;
  expect(answer.status, `${path} ${JSON.stringify(json)}`).toBe(200);
  return json;
}

const register = (name: string): Promise<Record<string, string>> =>
  post(sandbox.url, 'register', { username: name, password: 'secret', auth: { type: 'm.login.dummy' } });
const logIn = (url: string, user: string): Promise<Record<string, string>> =>
  post(url, 'login', {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user },
    password: 'secret',
  });

/** Where a client asks: one gateway, then another one, at the same address. */
async function startSwitch(): Promise<{ url: string; target: Gateway; refusals: number; close(): void }> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { url, method, headers } = request;
    const onward = httpRequest(`${started.target.url}${url}`, { method, headers }, (answer) => {
      if (answer.statusCode === 410 || answer.statusCode === 503) started.refusals += 1;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const started = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: gateways['open'] as Gateway,
    refusals: 0,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return started;
}

const wait = (durationMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, durationMs));

async function until(isSo: () => boolean, patienceMs: number): Promise<boolean> {
  for (const start = Date.now(); Date.now() - start < patienceMs; await wait(50)) if (isSo()) return true;
  return false;
}

/** A client may take a while to log in, and hears what is said from then on. */
async function sayUntilHeard(
  name: string,
  say: (body: string) => Promise<void>,
  listening: Listening,
): Promise<void> {
  for (let i = 0; i < 60; i += 1) {
    await say(`before-${i}`);
    if (await until(() => listening.hasHeard(`before-${i}`), 1000)) return;
  }
  throw new Error(`${name} hears nothing: ${listening.lines?.join(', ')}`);
}

/** What a client does while it is refused, and when that is over, in the words of the table. */
async function observe(client: OldClient, way: 'in a brownout' | 'at 410', i: number): Promise<string> {
  const names = [`old-${i}-${way.length}`, `bob-${i}-${way.length}`] as const;
  const [, { access_token: bob = '' }] = await Promise.all([register(names[0]), register(names[1])]);
  const worldReadable = {
    type: 'm.room.history_visibility',
    state_key: '',
    content: { history_visibility: 'world_readable' },
  };
  const room = { preset: 'public_chat', room_version: '10', initial_state: [worldReadable] };
  const { room_id: roomId = '' } = await post(sandbox.url, 'createRoom', room, bob);
  const say = async (body: string): Promise<void> => {
    const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${body}`;
    const answer = await fetch(`${sandbox.url}/_matrix/client/v3/${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${bob}` },
      body: JSON.stringify({ msgtype: 'm.text', body }),
    });
    expect(answer.status).toBe(200);
  };
  const address = await startSwitch();
  const listening = await client.listen(address.url, names[0], roomId);
  try {
    await sayUntilHeard(client.name, say, listening);
    address.target = gateways[way] as Gateway;
    // The poll that waits is answered by this.
    await say('wake-up');
    await wait(REFUSED_MS);
    address.target = gateways['open'] as Gateway;
    const { refusals } = address;
    await say('after');
    const isBack = await until(() => listening.hasHeard('after'), PATIENCE_MS);
    if (refusals === 0) return isBack ? 'notices nothing' : 'is broken';
    return isBack
      ? `asks again${refusals > REFUSED_MS / 1000 ? ', more than once a second' : ''}, and goes on`
      : 'stops for good';
  } finally {
    await listening.stop();
    address.close();
  }
}

function tableInDocs(): Seen[] {
  const page = readFileSync('docs/operating.md', 'utf8');
  const section = page.split('<!-- endings -->')[1]?.split('<!-- /endings -->')[0] ?? '';
  return [...section.matchAll(/^\| (matrix-[^|]+) \| ([^|]+) \| ([^|]+) \|/gm)].map(
    ([, name = '', brownout = '', gone = '']) => ({
      name: name.trim(),
      'in a brownout': brownout.trim(),
      'at 410': gone.trim(),
    }),
  );
}

test(
  'each client, in a brownout and at 410 -> does what docs/operating.md says',
  { timeout: 180_000 },
  async () => {
    const seen = await Promise.all(
      clients.map(async (client, i): Promise<Seen> => {
        const [brownout, gone] = await Promise.all([
          observe(client, 'in a brownout', i),
          observe(client, 'at 410', i),
        ]);
        return { name: client.name, 'in a brownout': brownout, 'at 410': gone };
      }),
    );
    expect(seen).toEqual(tableInDocs());
  },
);
