// What a large answer of the homeserver does to everybody else, on each endpoint that reads one: the longest section of the
// main thread, and the memory that it takes, alone and many at once.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Agent, request } from 'undici';
import type { Reading } from './initial-sync-process.ts';
import type { Row } from './row.ts';

const MB = 1_000_000;
const SIZES = [60 * MB, 256 * MB];
const AT_ONCE = { count: 8, bytes: 30 * MB };
/** For one measurement, on a machine that others use as well; one that takes longer has failed. */
const DEADLINE_MS = 120_000;
const ROOM = '!room:example.org';
const room = `rooms/${encodeURIComponent(ROOM)}`;

/** What is asked of the gateway, by the name of its row. The homeserver's answer has as many bytes as the access token says. */
const REQUESTS: Readonly<Record<string, string>> = {
  '/events, an increment': 'r0/events?from=s1_1&timeout=0&limit=100',
  '/events, many small events': 'r0/events?from=s1_2&timeout=0&limit=100',
  'v2_alpha/sync, an increment': 'v2_alpha/sync?since=s1_1',
  'r0/sync, an increment': 'r0/sync?since=s1_1',
  'r0 /messages': `r0/${room}/messages?dir=b&limit=1000`,
  'api/v1 /messages': `api/v1/${room}/messages?dir=b&limit=1000`,
  'room initialSync': `r0/${room}/initialSync?limit=1000`,
  'api/v1 /state': `api/v1/${room}/state`,
  'api/v1 /members': `api/v1/${room}/members`,
  'api/v1 /context': `api/v1/${room}/context/$event`,
  'api/v1 publicRooms': 'api/v1/publicRooms',
};

/** Runs the bench, about three minutes; says what it measures as it goes. */
export async function run(): Promise<Row[]> {
  const server = createServer((asked, answer) => void respond(asked, answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const rows: Row[] = [];
  try {
    for (const [name, path] of Object.entries(REQUESTS)) {
      const loads = [...SIZES.map((bytes) => ({ count: 1, bytes })), AT_ONCE];
      for (const load of loads) rows.push(...(await measure(port, name, path, load)));
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return rows;
}

/** A new process, three small answers to warm it up, then the ones that count. */
async function measure(
  homeserverPort: number,
  name: string,
  path: string,
  { bytes, count }: { bytes: number; count: number },
): Promise<Row[]> {
  const startedAt = performance.now();
  const child = fork(new URL('initial-sync-process.ts', import.meta.url), [
    'hindsync',
    String(homeserverPort),
  ]);
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const url = `http://127.0.0.1:${port}/_matrix/client/${path}`;
    const signal = AbortSignal.timeout(DEADLINE_MS);
    for (let i = 0; i < 3; i += 1) await download(agent, url, 0.8 * MB, signal);
    await tell(child, 'reset');
    await Promise.all(Array.from({ length: count }, (_, i) => download(agent, url, bytes + i, signal)));
    const { peakRss, rssAtReset, longestSectionMs } = await tell(child, 'read');
    const extraMb = (peakRss - rssAtReset) / MB;
    const what = `${name}, ${count > 1 ? `${count} × ` : ''}${bytes / MB} MB`;
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(
      `  ${what}: ${longestSectionMs.toFixed(0)} ms, ${extraMb.toFixed(0)} MB, after ${seconds.toFixed(1)} s`,
    );
    const section: Row = {
      name: `${what}: longest section`,
      measured: `${longestSectionMs.toFixed(0)} ms CPU`,
      ratio: longestSectionMs / 50,
      goal: '< 50 ms CPU',
      met: longestSectionMs < 50,
    };
    const mostMb = count > 1 ? 256 : 64;
    const memory: Row = {
      name: `${what}: extra memory`,
      measured: `${extraMb.toFixed(0)} MB`,
      ratio: extraMb / mostMb,
      goal: `< ${mostMb} MB`,
      met: extraMb < mostMb,
    };
    return [section, memory];
  } finally {
    await agent.destroy();
    child.disconnect();
    await once(child, 'exit');
  }
}

/** Each size is a session of its own, so that none waits for another's turn. */
async function download(agent: Agent, url: string, bytes: number, signal: AbortSignal): Promise<void> {
  const { statusCode, body } = await request(url, {
    dispatcher: agent,
    headers: { authorization: `Bearer ${bytes}` },
    signal,
  });
  for await (const _ of body);
  if (statusCode !== 200) throw new Error(`${url}: answered ${statusCode}`);
}

async function tell(child: ChildProcess, what: 'reset' | 'read'): Promise<Reading> {
  child.send(what);
  const [reading] = (await once(child, 'message')) as [Reading];
  return reading;
}

async function respond(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(asked.url ?? '', 'http://localhost');
  const bytes = Number(asked.headers.authorization?.split(' ')[1] ?? 0);
  answer.setHeader('content-type', 'application/json');
  const pieces = largeAnswer(pathname, searchParams, bytes);
  if (pieces === undefined) answer.end(JSON.stringify(smallAnswer(pathname, asked)));
  else await pipeline(pieces, answer).catch(() => undefined);
}

function smallAnswer(pathname: string, asked: IncomingMessage): object {
  if (pathname.endsWith('/whoami'))
    return { user_id: `@${asked.headers.authorization?.split(' ')[1]}:example.org`, device_id: 'BENCH' };
  if (pathname.endsWith('/versions')) return { versions: ['r0.6.1', 'v1.12'], server: { name: 'Synapse' } };
  if (pathname.endsWith('/joined_rooms')) return { joined_rooms: [ROOM] };
  if (pathname.endsWith('/state/m.room.member/') || pathname.includes('/state/m.room.member'))
    return { membership: 'join' };
  if (pathname.endsWith('/sync')) return { next_batch: 's9_9' };
  return { chunk: [], notifications: [], tags: {} };
}

/** The answer whose size counts, by the endpoint that is asked; undefined for what stays small. */
function largeAnswer(
  pathname: string,
  query: URLSearchParams,
  bytes: number,
): AsyncGenerator<Buffer> | undefined {
  if (pathname.endsWith('/sync') && query.has('since')) {
    const isSmall = query.get('since') === 's1_2';
    return wrap('{"next_batch":"s9_9","rooms":{"join":{', roomsOf(bytes, isSmall ? 400 : 20_000), '}}}');
  }
  if (pathname.endsWith('/messages') && query.get('limit') === '1000')
    return wrap('{"start":"t9-9_0","chunk":[', eventsOf(bytes, 60_000), '],"end":"t1-1_0"}');
  if (pathname.endsWith('/state')) return wrap('[', eventsOf(bytes, 600, true), ']');
  if (pathname.endsWith('/members')) return wrap('{"chunk":[', eventsOf(bytes, 600, true), ']}');
  if (pathname.includes('/context/'))
    return wrap(
      '{"start":"t1-1_0","end":"t2-2_0","events_before":[],"state":[',
      eventsOf(bytes, 600, true),
      ']}',
    );
  if (pathname.endsWith('/publicRooms')) return wrap('{"chunk":[', publicRoomsOf(bytes), ']}');
  return undefined;
}

const PIECE_BYTES = 64 * 1024;

/** The opening, items with commas between, up to a piece at a time, and the end. */
async function* wrap(opening: string, items: Iterable<string>, end: string): AsyncGenerator<Buffer> {
  let text = opening;
  let separator = '';
  for (const item of items) {
    text += separator + item;
    separator = ',';
    if (text.length < PIECE_BYTES) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text + end);
}

function* eventsOf(bytes: number, bodyBytes: number, isState = false): Generator<string> {
  const content = `{"membership":"join","msgtype":"m.text","body":"${'x'.repeat(bodyBytes)}"}`;
  for (let i = 0, written = 0; written < bytes; i += 1) {
    const about = isState
      ? `"type":"m.room.member","state_key":"@user${i}:example.org"`
      : '"type":"m.room.message"';
    const event =
      `{${about},"event_id":"$event${i}","sender":"@user${i}:example.org","origin_server_ts":${1_700_000_000_000 + i},` +
      `"content":${content},"unsigned":{"age":${i}}}`;
    written += event.length;
    yield event;
  }
}

const EVENTS_PER_ROOM = 100;

/** Joined rooms of an increment, each with a timeline that is cut. */
function* roomsOf(bytes: number, bodyBytes: number): Generator<string> {
  const ofOneRoom = Math.min(bytes, (bodyBytes + 250) * EVENTS_PER_ROOM);
  for (let i = 0; i * ofOneRoom < bytes; i += 1) {
    const events = [...eventsOf(ofOneRoom, bodyBytes)].join();
    yield `"!room${i}:example.org":{"timeline":{"limited":true,"prev_batch":"t1-1_0","events":[${events}]}}`;
  }
}

function* publicRoomsOf(bytes: number): Generator<string> {
  const topic = 'x'.repeat(1000);
  for (let i = 0, written = 0; written < bytes; i += 1) {
    const entry = `{"room_id":"!room${i}:example.org","num_joined_members":${i},"topic":"${topic}","world_readable":true,"guest_can_join":false}`;
    written += entry.length;
    yield entry;
  }
}
