// Compare mode in a gateway. The homeserver's own legacy endpoints are played by another gateway, in front of the same
// sandbox, and a relay between the two can tamper with what they say.

import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { startGateway, type Gateway } from '../../support/gateway.ts';

let sandbox: Awaited<ReturnType<typeof createSandbox>>;
let native: Gateway;
let relay: {
  url: string;
  server: Server;
  asked: string[];
  /** Resolves when a question may be passed on. */
  hold: (url: string) => Promise<void>;
  tamper: (url: string, body: string) => string;
};
let gateway: Gateway;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindsync-compare-'));
  sandbox = await createSandbox();
  native = await startGateway(sandbox.url);
  relay = await startRelay(native.url);
});
afterEach(async () => {
  await gateway.close();
  relay.server.closeAllConnections();
  relay.server.close();
  await native.close();
  await sandbox.close();
  await rm(folder, { recursive: true });
});

/** Stands for the homeserver; what it passes can be changed on the way. */
async function startRelay(target: string): Promise<typeof relay> {
  const server = createServer((request, response) => {
    const { url = '', method, headers } = request;
    started.asked.push(url);
    void started.hold(url).then(() => pass(url, method, headers, request, response));
  }).listen(0, '127.0.0.1');
  const pass = (
    url: string,
    method: string | undefined,
    headers: IncomingHttpHeaders,
    request: IncomingMessage,
    response: ServerResponse,
  ): void => {
    const onward = httpRequest(`${target}${url}`, { method, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        const body = started.tamper(url, Buffer.concat(parts).toString());
        const { 'content-length': _length, 'transfer-encoding': _encoding, ...kept } = answer.headers;
        response.writeHead(answer.statusCode ?? 502, { ...kept, 'content-length': Buffer.byteLength(body) });
        response.end(body);
      });
    });
    request.pipe(onward);
  };
  await once(server, 'listening');
  const started: typeof relay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    asked: [],
    hold: async () => {},
    tamper: (_url, body) => body,
  };
  return started;
}

const start = async (settings: Partial<Config>): Promise<void> => {
  gateway = await startGateway(relay.url, { compareShare: 1, homeserverKind: 'sandbox', ...settings });
};

interface Person {
  read(path: string): Promise<Record<string, unknown>>;
  post(path: string, body: object): Promise<Record<string, string>>;
}

async function register(username: string): Promise<Person> {
  let token = '';
  const call = async (method: string, path: string, body?: object): Promise<Record<string, string>> => {
    const answer = await fetch(`${gateway.url}/_matrix/client/${path}`, {
      method,
      headers: { ...(token !== '' && { authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect(answer.status, path).toBe(200);
    return (await answer.json()) as Record<string, string>;
  };
  const account = { username, password: 'x', auth: { type: 'm.login.dummy' } };
  token = (await call('POST', 'v3/register', account))['access_token'] ?? '';
  return { read: (path) => call('GET', path), post: (path, body) => call('POST', path, body) };
}

/** Waits until so many answers were looked at → how often each outcome was. */
async function outcomes(total: number): Promise<Record<string, number>> {
  for (;;) {
    const metrics = await (await fetch(`${gateway.internalUrl}/metrics`)).text();
    const found: Record<string, number> = {};
    for (const [, endpoint, outcome, number] of metrics.matchAll(
      /^hindsync_comparisons_total\{endpoint="(\w+)",outcome="([\w ]+)"\} (\d+)$/gm,
    ))
      found[`${endpoint} ${outcome}`] = Number(number);
    if (Object.values(found).reduce((sum, each) => sum + each, 0) >= total) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until both answers were written down. */
async function samplesIn(samples: string): Promise<string[]> {
  for (;;) {
    const files = await readdir(samples).catch(() => []);
    if (files.length >= 2) return files;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const page = async (): Promise<string> => (await fetch(`${gateway.internalUrl}/`)).text();

describe.each(['shadow', 'native'] as const)('compare = %s', (compare) => {
  test('all endpoints, two that are alike -> compared, and the same', async () => {
    await start({ compare });
    const alice = await register('alice');
    const { room_id: room = '' } = await alice.post('v3/createRoom', { preset: 'public_chat' });
    const initial = (await alice.read('api/v1/initialSync?limit=3')) as {
      end: string;
      rooms: { messages: { chunk: { event_id: string }[] } }[];
    };
    await outcomes(1);
    await alice.post(`r0/rooms/${encodeURIComponent(room)}/send/m.room.message`, {
      msgtype: 'm.text',
      body: 'hello',
    });
    const { chunk } = await alice.read(`r0/events?from=${encodeURIComponent(initial.end)}&timeout=1000`);
    expect(chunk).toContainEqual(expect.objectContaining({ content: { msgtype: 'm.text', body: 'hello' } }));
    await outcomes(2);
    await alice.read(`v3/rooms/${encodeURIComponent(room)}/initialSync`);
    await outcomes(3);
    const eventId = initial.rooms[0]?.messages.chunk[0]?.event_id ?? '';
    await alice.read(`v3/events/${encodeURIComponent(eventId)}`);
    expect(await outcomes(4)).toEqual({
      'initialSync same': 1,
      'events same': 1,
      'roomInitialSync same': 1,
      'event same': 1,
    });
    expect(await page()).toMatch(/4 answers compared, 4 the\s+same, 0 different/);
    // Whoever answers: the other side was asked, too.
    expect(relay.asked.filter((url) => /\/initialSync/.test(url)).length).toBeGreaterThanOrEqual(2);
  });

  test('a fault on one side -> found, counted, shown; without an id or a content, but in a sample', async () => {
    const samples = join(folder, 'samples');
    await start({ compare, compareSamplesDir: samples });
    const alice = await register('alice');
    await alice.post('v3/createRoom', { preset: 'public_chat', name: 'Secret garden' });
    relay.tamper = (url, body) =>
      url.includes('initialSync') ? body.replaceAll('Secret garden', 'Secret gardens') : body;
    await alice.read('v3/initialSync');
    expect(await outcomes(1)).toEqual({ 'initialSync different': 1 });
    const html = await page();
    expect(html).toMatch(/rooms \* (?:messages chunk \*|state m\.room\.name) content/);
    expect(html).not.toMatch(/garden/);
    const report = await (await fetch(`${gateway.internalUrl}/usage.json`)).text();
    expect(JSON.parse(report).happenings.differences).toBeGreaterThan(0);
    expect(report).not.toMatch(/garden/);
    const files = await samplesIn(samples);
    for (const file of files) expect((await stat(join(samples, file))).mode & 0o777).toBe(0o600);
    const tampered = files.find((file) => file.endsWith('native.json')) ?? '';
    expect(await readFile(join(samples, tampered), 'utf8')).toMatch(/Secret gardens/);
  });

  test('what cannot be compared -> answered as ever, and counted so', async () => {
    await start({ compare });
    const alice = await register('alice');
    await alice.read('v3/events?timeout=0');
    expect(await outcomes(1)).toEqual({ 'events not comparable': 1 });
  });

  test('a share of nothing -> nobody is asked a second time', async () => {
    await start({ compare, compareShare: 0 });
    const alice = await register('alice');
    await alice.read('v3/initialSync');
    expect(await outcomes(0)).toEqual({});
    const asked = relay.asked.filter((url) => url.includes('initialSync'));
    expect(asked).toHaveLength(compare === 'native' ? 1 : 0);
  });
});

test('one whose homeserver has no endpoints of its own, in shadow -> clients notice nothing, and it is counted', async () => {
  await start({ compare: 'shadow' });
  relay.tamper = (url, body) => (url.includes('initialSync') ? 'junk' : body);
  const alice = await register('alice');
  expect(await alice.read('v3/initialSync')).toHaveProperty('rooms');
  expect(await outcomes(1)).toEqual({ 'initialSync failed': 1 });
});

test('more at once than two -> the clients have their answers, and the rest is given up', async () => {
  await start({ compare: 'shadow' });
  const people = await Promise.all(['a', 'b', 'c', 'd'].map(register));
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  relay.hold = async (url) => (url.includes('initialSync') ? released : undefined);
  for (const person of people) expect(await person.read('v3/initialSync')).toHaveProperty('rooms');
  expect(await outcomes(2)).toEqual({ 'initialSync given up': 2 });
  release();
  expect(await outcomes(4)).toEqual({ 'initialSync given up': 2, 'initialSync same': 2 });
});
