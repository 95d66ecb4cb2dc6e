// A mix of all that clients do, for a while: what the gateway holds at the end beside what it held at the start.
// `npm run soak`, ten minutes; `npm run soak -- 2` for two.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { EventId, RoomId } from '../src/matrix/identifiers.ts';
import { createSandbox } from '../src/sandbox/sandbox.ts';
import { startGatewayProcess } from '../test/support/gateway-process.ts';
import { printTable, type Row } from './row.ts';

const ROOMS = 20;
const PARKED = 200;
const PREVIEWS = 50;
const SAMPLE_MS = 5_000;
/** Of the whole time: compilers and caches fill up, then `start` is measured; `end` is the last part. */
const WARM_UP_SHARE = 0.3;
const MEASURED_SHARE = 0.2;

interface Sample {
  rssMb: number;
  heapMb: number;
  descriptors: number;
  lagMs: number;
}

const minutes = Number(process.argv[2] ?? 10);
if (!(minutes > 0)) {
  console.error('npm run soak -- MINUTES, a number above 0');
  process.exit(2);
}

const sandbox = await createSandbox();
const { homeserver } = sandbox;
const logs = await mkdtemp(join(tmpdir(), 'hindsync-soak-'));
const gateway = await startGatewayProcess({
  name: 'soak',
  homeserverUrl: sandbox.url,
  logs,
  settings: {
    HINDSYNC_HOMESERVER_KIND: 'sandbox',
    HINDSYNC_LOG_LEVEL: 'error',
    HINDSYNC_CACHE_SIZE: '16 MiB',
  },
});
const agent = new Agent({ connections: 1_000, headersTimeout: 0, bodyTimeout: 0 });
const over = new AbortController();
const counts = new Map<string, number>();

const host = homeserver.createUser('host');
const visibility = {
  type: 'm.room.history_visibility',
  state_key: '',
  content: { history_visibility: 'world_readable' },
};
const rooms = Array.from({ length: ROOMS }, () =>
  homeserver.createRoom(host, { preset: 'public_chat', initial_state: [visibility] }),
);
const hostToken = homeserver.login(host).accessToken;
let serial = 0;

const roomAt = (index: number): RoomId => rooms[index % ROOMS] as RoomId;

function newMember(): string {
  const userId = homeserver.createUser(`user${(serial += 1)}`);
  for (let i = 0; i < 3; i += 1) homeserver.join(userId, roomAt(serial + i));
  return homeserver.login(userId).accessToken;
}

interface Answer {
  status: number;
  body: { [key: string]: unknown; end?: string; chunk?: { event_id?: EventId }[] };
}

/** One request; undefined where it failed or was given up. */
async function ask(
  token: string,
  path: string,
  options: { method?: 'GET' | 'PUT' | 'POST'; body?: Buffer; signal?: AbortSignal } = {},
): Promise<Answer | undefined> {
  const signals = [over.signal, AbortSignal.timeout(60_000), ...(options.signal ? [options.signal] : [])];
  try {
    const { statusCode, body } = await request(`${gateway.url}/_matrix/${path}`, {
      dispatcher: agent,
      method: options.method ?? 'GET',
      body: options.body ?? null,
      signal: AbortSignal.any(signals),
      headers: { authorization: `Bearer ${token}`, 'user-agent': `soak/${serial % 500}` },
    });
    const bytes = Buffer.from(await body.arrayBuffer());
    const isJson = bytes[0] === 0x7b;
    return { status: statusCode, body: isJson ? (JSON.parse(bytes.toString()) as Answer['body']) : {} };
  } catch {
    return undefined;
  }
}

/** Does something again and again, at this pace, and counts it. */
async function again(name: string, pauseMs: number, work: () => unknown): Promise<void> {
  while (!over.signal.aborted) {
    await work();
    counts.set(name, (counts.get(name) ?? 0) + 1);
    await sleep(pauseMs, undefined, { signal: over.signal }).catch(() => undefined);
  }
}

/** Polls from each answer's `end`; an answer that did not come is asked for again. */
function follow(name: string, token: string, query: Record<string, string>): Promise<void> {
  let from: string | undefined;
  return again(name, 0, async () => {
    const parameters = new URLSearchParams({ ...query, ...(from !== undefined && { from }) });
    const answer = await ask(token, `client/r0/events?${parameters}`);
    if (answer?.status === 200) from = answer.body.end;
    else await sleep(500);
  });
}

/** Reads the head of an answer and nothing else, for a while. */
async function stall(token: string, path: string): Promise<void> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  socket.pause();
  socket.write(`GET /_matrix/${path} HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await sleep(5_000);
  socket.resetAndDestroy();
}

async function uploadAndDownload(): Promise<void> {
  const uploaded = await ask(hostToken, 'media/v3/upload?filename=soak', {
    method: 'POST',
    body: Buffer.alloc(1_000_000, 'x'),
  });
  const uri = String(uploaded?.body['content_uri'] ?? '').slice('mxc://'.length);
  await ask(hostToken, `client/v1/media/download/${uri}`);
}

async function pipeline(): Promise<void> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  const one = `GET /_matrix/client/versions HTTP/1.1\r\nHost: soak\r\n\r\n`;
  socket.write(one.repeat(500)).valueOf();
  socket.resume();
  await sleep(2_000);
  socket.destroy();
}

function startEverything(): Promise<void>[] {
  const old = newMember();
  const text = 'A message, of about the length that people write. ';
  const large = newMember();
  for (let i = 0; i < 5_000; i += 1) homeserver.say(host, roomAt(serial), text.repeat(4));
  return [
    ...Array.from({ length: PARKED }, () => follow('parked poll', newMember(), { timeout: '30000' })),
    ...Array.from({ length: PREVIEWS }, (_, i) =>
      follow('preview poll', newMember(), { timeout: '30000', room_id: roomAt(i) }),
    ),
    again('event said', 200, () => homeserver.say(host, roomAt((serial += 1)), text)),
    again('event sent', 500, () => {
      const path = `client/v3/rooms/${encodeURIComponent(roomAt(serial))}/send/m.room.message/${(serial += 1)}`;
      return ask(hostToken, path, {
        method: 'PUT',
        body: Buffer.from(`{"msgtype":"m.text","body":"${text}"}`),
      });
    }),
    again('initial sync', 1_000, () => ask(large, 'client/r0/initialSync?limit=100')),
    again('v2_alpha sync', 1_500, () => ask(large, 'client/v2_alpha/sync')),
    again('stalled reader', 1_000, () => stall(large, 'client/r0/initialSync?limit=1000')),
    again('snapshot', 300, () =>
      ask(old, `client/r0/rooms/${encodeURIComponent(roomAt((serial += 1)))}/initialSync`),
    ),
    again('catch-up', 200, () => ask(old, `client/r0/events?timeout=0&limit=7&from=${firstToken}`)),
    again('page', 200, () =>
      ask(old, `client/r0/rooms/${encodeURIComponent(roomAt(serial))}/messages?dir=b&limit=100`),
    ),
    again('unknown event', 500, () => ask(old, `client/r0/events/$unknown${(serial += 1)}`)),
    again('small GET', 20, () => ask(old, 'client/v3/account/whoami')),
    again('media', 1_000, uploadAndDownload),
    again('junk token', 100, () => ask(randomBytes(12).toString('hex'), 'client/r0/events')),
    again('poll given up', 200, () =>
      ask(newMember(), 'client/r0/events?timeout=30000', { signal: AbortSignal.timeout(150) }),
    ),
    again('pipelined burst', 5_000, pipeline),
    again('homeserver restarted', 45_000, () => sandbox.restart()),
  ];
}

async function readSample(): Promise<Sample> {
  const text = await (await fetch(`${gateway.internalUrl}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  return {
    rssMb: value('hindsync_process_resident_memory_bytes') / 1e6,
    heapMb: value('hindsync_nodejs_heap_size_used_bytes') / 1e6,
    descriptors: value('hindsync_process_open_fds'),
    lagMs: value('hindsync_nodejs_eventloop_lag_p99_seconds') * 1000,
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

function toRow(
  name: string,
  samples: readonly Sample[],
  { read, unit, goal }: { read: (sample: Sample) => number; unit: string; goal: number },
): Row {
  const first = Math.floor(samples.length * WARM_UP_SHARE);
  const length = Math.max(1, Math.floor(samples.length * MEASURED_SHARE));
  const start = median(samples.slice(first, first + length).map(read));
  const end = median(samples.slice(-length).map(read));
  const ratio = end / start;
  return {
    name,
    measured: `${start.toFixed(1)} → ${end.toFixed(1)} ${unit}`,
    ratio,
    goal: `≤ ${goal}`,
    met: ratio <= goal,
  };
}

const firstToken = (await ask(hostToken, 'client/r0/events?timeout=0'))?.body.end ?? '';
const running = startEverything();
const samples: Sample[] = [];
const endsAt = Date.now() + minutes * 60_000;
while (Date.now() < endsAt) {
  await sleep(Math.min(SAMPLE_MS, endsAt - Date.now()));
  const sample = await readSample();
  samples.push(sample);
  if (samples.length % 12 === 0)
    console.log(
      `${Math.round((samples.length * SAMPLE_MS) / 60_000)} of ${minutes} min: ${sample.rssMb.toFixed(0)} MB, ` +
        `${sample.descriptors} descriptors, event loop ${sample.lagMs.toFixed(1)} ms (p99)`,
    );
}
over.abort();
await Promise.all(running);
console.log([...counts].map(([name, count]) => `${name}: ${count}`).join(' · '));
printTable([
  toRow('resident memory', samples, { read: ({ rssMb }) => rssMb, unit: 'MB', goal: 1.15 }),
  toRow('open descriptors', samples, { read: ({ descriptors }) => descriptors, unit: '', goal: 1.1 }),
  toRow('event loop delay, p99', samples, { read: ({ lagMs }) => lagMs, unit: 'ms', goal: 1.5 }),
]);
const code = await gateway.stop();
console.log(`the gateway ended with ${code} after draining`);
await agent.destroy();
await sandbox.close();
await rm(logs, { recursive: true, force: true });
