// A client that comes back to 100,000 events: following /events through the gateway, beside reading the same pages from the
// homeserver. Wall time, as a client waits for it; each in turns, after some that nobody counts.

import { once } from 'node:events';
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Agent, request, setGlobalDispatcher } from 'undici';
import type { Row } from './row.ts';

const EVENTS = 100_000;
/** A Node process needs about half a million events until its time per event settles. */
const WARM_UP_ROUNDS = 5;
const ROUNDS = 7;
const LIMIT = 1000;
const PAGE = 100;

interface Subject {
  homeserver: string;
  gateway: string;
  accessToken: string;
  rooms: string[];
  from: string;
  to: string;
}

/** One room of 100,000 events, and the same over 40 rooms. */
export async function run(): Promise<Row[]> {
  setGlobalDispatcher(new Agent({ connections: 4 }));
  return [...(await measure(1)), ...(await measure(40))];
}

async function measure(roomCount: number): Promise<Row[]> {
  const homeserver = start('homeserver');
  const { url, accessToken } = (await told(homeserver)) as { url: string; accessToken: string };
  const gateway = start('gateway', url);
  try {
    const { url: gatewayUrl } = (await told(gateway)) as { url: string };
    const { ids } = (await tell(homeserver, { rooms: roomCount, events: EVENTS })) as { ids: string[] };
    const from = await now(url, accessToken);
    await tell(homeserver, {});
    const to = await now(url, accessToken);
    const subject = { homeserver: url, gateway: gatewayUrl, accessToken, rooms: ids, from, to };

    await readPages(subject);
    await followEvents(subject);
    const { rss: before } = (await tell(gateway, {})) as { rss: number };
    const direct: number[] = [];
    const through: number[] = [];
    for (let round = 1 - WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
      const directMs = await timed(() => readPages(subject));
      const throughMs = await timed(() => followEvents(subject));
      if (round < 0) continue;
      direct.push(directMs);
      through.push(throughMs);
    }
    const { peak } = (await tell(gateway, {})) as { peak: number };
    const ratio = median(through) / median(direct);
    const grownMb = (peak - before) / 1024 / 1024;
    const what = `catch-up of ${EVENTS} events in ${roomCount} room${roomCount === 1 ? '' : 's'}`;
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
    return [
      {
        name: `${what}, beside its pages read from the homeserver`,
        measured: `${seconds(median(through))} beside ${seconds(median(direct))}`,
        ratio,
        goal: '≤ 1.5',
        met: ratio <= 1.5,
      },
      {
        name: `${what}, memory beyond that of the first one`,
        measured: `${grownMb.toFixed(0)} MB`,
        ratio: grownMb / 64,
        goal: '≤ 1 × 64 MB',
        met: grownMb <= 64,
      },
    ];
  } finally {
    gateway.kill();
    homeserver.kill();
  }
}

/** What the gateway has to read: each room's pages, one after the other. */
async function readPages({ homeserver, accessToken, rooms, from, to }: Subject): Promise<void> {
  let count = 0;
  for (const roomId of rooms) {
    for (let page: string | undefined = from; page !== undefined;) {
      const query = new URLSearchParams({ dir: 'f', from: page, to, limit: String(PAGE) });
      const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?${query}`;
      const answer = (await get(homeserver + path, accessToken)) as { chunk: unknown[]; end?: string };
      count += answer.chunk.length;
      page = answer.chunk.length === 0 ? undefined : answer.end;
    }
  }
  expectAll(count);
}

async function followEvents({ gateway, accessToken, from }: Subject): Promise<void> {
  let count = 0;
  for (let token = from; ;) {
    const query = new URLSearchParams({ from: token, timeout: '0', limit: String(LIMIT) });
    const path = `/_matrix/client/v3/events?${query}`;
    const answer = (await get(gateway + path, accessToken)) as { chunk: { type: string }[]; end: string };
    count += answer.chunk.filter(({ type }) => type === 'm.room.message').length;
    if (answer.end === token) break;
    token = answer.end;
  }
  expectAll(count);
}

function expectAll(count: number): void {
  if (count !== EVENTS) throw new Error(`${count} events arrived, not ${EVENTS}`);
}

async function now(homeserver: string, accessToken: string): Promise<string> {
  const path = `/_matrix/client/v3/sync?${new URLSearchParams({ filter: '{"room":{"rooms":[]}}', timeout: '0' })}`;
  return ((await get(homeserver + path, accessToken)) as { next_batch: string }).next_batch;
}

async function get(url: string, accessToken: string): Promise<unknown> {
  const { statusCode, body } = await request(url, { headers: { authorization: `Bearer ${accessToken}` } });
  if (statusCode !== 200) throw new Error(`${statusCode}: ${await body.text()}`);
  return body.json();
}

function start(...args: string[]): ChildProcess {
  return fork(fileURLToPath(new URL('catch-up-process.ts', import.meta.url)), args);
}

async function told(child: ChildProcess): Promise<unknown> {
  return (await once(child, 'message'))[0];
}

function tell(child: ChildProcess, message: object): Promise<unknown> {
  child.send(message);
  return told(child);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
