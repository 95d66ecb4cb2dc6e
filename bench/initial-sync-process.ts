// One process of the initial sync bench, by its first argument: `homeserver`, `hindsync`, `relay` or `naive` (then the
// homeserver's port). Says `{port}` when it listens; to `reset` it begins to measure anew, to `read` it says what it saw.
// The size of an answer, in bytes, is the access token.

import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { pino } from 'pino';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { createApp } from '../src/app.ts';
import { readConfig } from '../src/config/config.ts';
import { keepMemoryFlat } from '../src/operate/memory.ts';
import type { ClientEvent } from '../src/matrix/client-event.ts';
import type { SyncResponse } from '../src/matrix/sync.ts';
import { toLegacyEvent } from '../src/translate/legacy-event.ts';
import { forgetPeakMemory, readPeakMemory } from '../test/support/peak-memory.ts';
import { initialSyncAnswer, joinedRoomsOf } from './initial-sync-answer.ts';

/** What a process says about itself since it was last reset. */
export interface Reading {
  /** CPU time of all threads, in microseconds. */
  cpu: number;
  /** Largest resident memory, and the one at the reset, in bytes. */
  peakRss: number;
  rssAtReset: number;
  /** The longest section of the main thread between two turns of its event loop, in milliseconds of CPU. */
  longestSectionMs: number;
  /** When the homeserver had written its last byte, in nanoseconds of the machine's clock. */
  lastByteAt: string;
}

const [role, homeserverPort] = process.argv.slice(2);
const upstream = `http://127.0.0.1:${homeserverPort}`;
let lastByteAt = 0n;

const start = { homeserver: startHomeserver, hindsync: startHindsync, relay: startRelay, naive: startNaive }[
  role ?? ''
];
if (start === undefined) throw new Error(`no such role: ${role}`);
const port = await start();
const meter = startMeter();
process.on('message', (message) => {
  if (message === 'reset') meter.reset();
  process.send?.({ ...meter.read(), lastByteAt: String(lastByteAt) } satisfies Reading);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port });

/** Looks at the main thread's CPU time a thousand times a second, in all contestants alike. */
function startMeter() {
  let cpu = process.cpuUsage();
  let rssAtReset = 0;
  let longest = 0;
  let last = 0;
  const look = (): number => {
    const { user, system } = process.threadCpuUsage();
    return user + system;
  };
  setInterval(() => {
    const now = look();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  return {
    reset() {
      cpu = process.cpuUsage();
      rssAtReset = process.memoryUsage.rss();
      forgetPeakMemory();
      last = look();
      longest = 0;
    },
    read() {
      const { user, system } = process.cpuUsage(cpu);
      return { cpu: user + system, peakRss: readPeakMemory(), rssAtReset, longestSectionMs: longest / 1000 };
    },
  };
}

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function sizeOf(request: IncomingMessage): number {
  return Number(request.headers.authorization?.split(' ')[1]);
}

function startHomeserver(): Promise<number> {
  return listen((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    response.setHeader('content-type', 'application/json');
    if (pathname.endsWith('/sync')) void writeInitialSync(request, response);
    else response.end(JSON.stringify(smallAnswer(pathname, sizeOf(request))));
  });
}

function smallAnswer(pathname: string, size: number): object {
  if (pathname.endsWith('/whoami')) return { user_id: '@bench:example.org', device_id: 'BENCH' };
  if (pathname.endsWith('/versions')) return { versions: ['v1.12'], server: { name: 'Synapse' } };
  if (pathname.endsWith('/joined_rooms')) return { joined_rooms: joinedRoomsOf(size) };
  if (pathname.endsWith('/notifications')) return { notifications: [] };
  return { visibility: 'private' };
}

async function writeInitialSync(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await pipeline(initialSyncAnswer(sizeOf(request)), response).catch(() => {});
  lastByteAt = process.hrtime.bigint();
}

async function startHindsync(): Promise<number> {
  keepMemoryFlat();
  const config = readConfig({
    argv: ['--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0', '--homeserver-url', upstream],
    env: {},
    readFile: () => '',
  });
  const app = await createApp(config, { logger: pino({ level: 'silent' }) });
  return Number(new URL((await app.listen()).url).port);
}

/** Nothing but the bytes, at the client's pace. */
function startRelay(): Promise<number> {
  const pool = new Pool(upstream, { headersTimeout: 0, bodyTimeout: 0 });
  return listen((request, response) => {
    const path = '/_matrix/client/v3/sync';
    const headers = { authorization: request.headers.authorization ?? '' };
    pool.dispatch({ path, method: 'GET', headers }, new RelayedAnswer(response));
  });
}

class RelayedAnswer implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(): void {}

  onResponseStart(_: unknown, status: number): void {
    this.#response.writeHead(status, { 'content-type': 'application/json' });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    this.#response.destroy();
  }
}

/** What one would write first: all of it parsed, mapped and written at once. */
function startNaive(): Promise<number> {
  const pool = new Pool(upstream, { headersTimeout: 0, bodyTimeout: 0 });
  return listen((request, response) => {
    void (async () => {
      const headers = { authorization: request.headers.authorization ?? '' };
      const { body } = await pool.request({ path: '/_matrix/client/v3/sync', method: 'GET', headers });
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(toNaiveAnswer((await body.json()) as SyncResponse)));
    })();
  });
}

function toNaiveAnswer(sync: SyncResponse): object {
  const nowMs = Date.now();
  const joined = Object.entries(sync.rooms?.join ?? {}) as [never, NonNullable<SyncResponse['rooms']>][];
  const rooms = joined.map(([roomId, room]) => {
    const { timeline, state, account_data } = room as Record<string, { events: ClientEvent[] }>;
    const toLegacy = (event: ClientEvent) => toLegacyEvent(event, roomId, nowMs);
    return {
      room_id: roomId,
      membership: 'join',
      messages: { chunk: timeline?.events.map(toLegacy) },
      state: state?.events.map(toLegacy),
      account_data: account_data?.events,
    };
  });
  return {
    rooms,
    presence: sync.presence?.events,
    account_data: sync.account_data?.events,
    end: sync.next_batch,
  };
}
