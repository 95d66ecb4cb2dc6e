// Three old clients and two previews while the way between gateway and homeserver fails in every way that a network can,
// and both ends are killed and started again: each client has each event once, in order, and nothing is left behind.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { createTestSandbox, type TestSandbox } from '../support/sandbox/test-sandbox.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { startRelay, type Relay } from '../support/relay.ts';
import {
  eventsFollower,
  previewFollower,
  v2AlphaFollower,
  type Follower,
} from '../support/retrying-clients.ts';
import { startToxiproxy, type Toxic, type Toxiproxy } from '../support/toxiproxy.ts';

const ROOMS = 8;
const PREVIEWED = 2;
const EVENTS = 20_000;
/** So many events are said at once, all rooms in turn; then a pause. */
const BURST = 50;
const PAUSE_MS = 100;
/** How long each fault lasts, and the healthy time behind it. */
const FAULT_MS = 1_500;
const HEALTHY_MS = 500;

const both = (type: Toxic['type'], attributes: Toxic['attributes'], toxicity = 1): Toxic[] =>
  (['upstream', 'downstream'] as const).map((stream) => ({ type, stream, attributes, toxicity }));
const down = (type: Toxic['type'], attributes: Toxic['attributes'], toxicity = 1): Toxic[] => [
  { type, stream: 'downstream', attributes, toxicity },
];

/** What a network does, by name. */
const TOXICS: readonly [name: string, toxics: readonly Toxic[]][] = [
  ['latency', both('latency', { latency: 150 })],
  ['jitter', both('latency', { latency: 50, jitter: 50 })],
  ['slicing', both('slicer', { average_size: 40, size_variation: 20, delay: 50 })],
  ['resets, at once', down('reset_peer', { timeout: 0 })],
  ['resets, amid an answer', down('reset_peer', { timeout: 30 })],
  ['cut after 700 bytes', down('limit_data', { bytes: 700 })],
  ['cut after 20,000 bytes', down('limit_data', { bytes: 20_000 })],
  ['a stall of answers', down('timeout', { timeout: 0 })],
  ['a stall of half the connections, both ways', both('timeout', { timeout: 0 }, 0.5)],
  ['a slow line', down('bandwidth', { rate: 100 })],
  ['slow closes', both('slow_close', { delay: 500 })],
];

let folder: string;
let sandbox: TestSandbox;
let relay: Relay;
let proxy: Toxiproxy;
let gateway: GatewayProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindsync-faults-'));
  sandbox = await createTestSandbox();
  relay = await startRelay(sandbox.url);
  proxy = await startToxiproxy(relay.url);
  gateway = await startGateway();
}, 180_000);

afterAll(async () => {
  await gateway?.stop();
  await proxy?.close();
  await relay?.close();
  await sandbox?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Deadlines are short, so that a stall ends within the test. */
function startGateway(listen = '127.0.0.1:0'): Promise<GatewayProcess> {
  return startGatewayProcess({
    name: 'faults',
    homeserverUrl: proxy.url,
    logs: folder,
    settings: {
      HINDSYNC_LISTEN: listen,
      HINDSYNC_LOG_LEVEL: 'warn',
      HINDSYNC_HOMESERVER_KIND: 'sandbox',
      HINDSYNC_CACHE_SIZE: '8 MiB',
      HINDSYNC_CALL_DEADLINE: '2 s',
      HINDSYNC_POLL_MARGIN: '2 s',
      HINDSYNC_INITIAL_SYNC_DEADLINE: '5 s',
    },
  });
}

async function killGatewayAndStartAnew(): Promise<void> {
  const { host } = new URL(gateway.url);
  await gateway.kill();
  gateway = await startGateway(host);
}

async function killHomeserverAndStartAnew(): Promise<void> {
  await sandbox.stop();
  await sleep(300);
  await sandbox.restart();
}

/** Everything that is done to the three processes and the way between them, each for a while. */
const FAULTS: readonly [name: string, begin: () => Promise<unknown>][] = [
  ...TOXICS.map(([name, toxics]): [string, () => Promise<unknown>] => [
    name,
    () => Promise.all(toxics.map((toxic) => proxy.add(toxic))),
  ]),
  ['half-closes by the homeserver', async () => relay.halfClose()],
  ['refused connections', () => proxy.goAway()],
  ['the gateway is killed', killGatewayAndStartAnew],
  ['the homeserver is killed', killHomeserverAndStartAnew],
  [
    'the gateway is killed while the homeserver is slow',
    async () => {
      await Promise.all(both('latency', { latency: 200 }).map((toxic) => proxy.add(toxic)));
      await killGatewayAndStartAnew();
    },
  ],
];

async function makeFaults(stop: AbortSignal): Promise<string[]> {
  const made: string[] = [];
  while (!stop.aborted) {
    for (const [name, begin] of FAULTS) {
      await begin();
      made.push(name);
      await sleep(FAULT_MS);
      await proxy.comeBack();
      await proxy.heal();
      await sleep(HEALTHY_MS);
    }
  }
  return made;
}

/** What the process holds: descriptors, running timers, parked polls, resident memory. */
async function readHeld(): Promise<{ descriptors: number; timers: number; parked: number; rssMb: number }> {
  const text = await (await fetch(`${gateway.internalUrl}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  return {
    descriptors: value('hindsync_process_open_fds'),
    timers: value('hindsync_nodejs_active_resources\\{type="Timeout"\\}'),
    parked: value('hindsync_parked_polls'),
    rssMb: value('hindsync_process_resident_memory_bytes') / 1e6,
  };
}

/** A follower, and the rooms of which it has to hear everything. */
interface Heard {
  follower: Follower;
  rooms: readonly RoomId[];
}

/** Event ids by room, in the order in which they were said. */
type Said = Map<RoomId, EventId[]>;

/** Three members with clients of their time, and two who preview a room each. */
function startFollowers(
  rooms: readonly RoomId[],
  stop: AbortSignal,
): { heard: Heard[]; ended: Promise<unknown> } {
  const { homeserver } = sandbox;
  const optionsFor = (name: string) => {
    const { accessToken } = homeserver.login(homeserver.createUser(name));
    return { name, gatewayUrl: gateway.url, accessToken, stop };
  };
  const optionsForMember = (name: string) => {
    const options = optionsFor(name);
    const userId = `@${name}:${homeserver.serverName}` as UserId;
    for (const room of rooms) homeserver.join(userId, room);
    return options;
  };
  const members = [
    eventsFollower(optionsForMember('of-2014'), 'api/v1'),
    eventsFollower(optionsForMember('in-small-steps'), 'r0', 40),
    v2AlphaFollower(optionsForMember('of-2015')),
  ];
  const heard = members.map((follower): Heard => ({ follower, rooms }));
  for (const room of rooms.slice(0, PREVIEWED))
    heard.push({ follower: previewFollower(optionsFor(`preview-${heard.length}`), room), rooms: [room] });
  return { heard, ended: Promise.all(heard.map(({ follower }) => follower.run())) };
}

/** Whether the last thing it heard of each room is the last thing that was said in it. */
const isLevel = ({ follower, rooms }: Heard, said: Said): boolean =>
  rooms.every((room) => follower.record.rooms.get(room)?.at(-1) === said.get(room)?.at(-1));

async function untilAll(heard: readonly Heard[], isDone: (each: Heard) => boolean): Promise<void> {
  while (!heard.every(isDone)) await sleep(100);
}

test('20,000 events amid every fault, both ends killed -> each client has each event once, in order, and nothing is left behind', async () => {
  const { homeserver } = sandbox;
  const host = homeserver.createUser('host');
  const content = { history_visibility: 'world_readable' };
  const visibility = { type: 'm.room.history_visibility', state_key: '', content };
  const rooms = Array.from({ length: ROOMS }, () =>
    homeserver.createRoom(host, { preset: 'public_chat', initial_state: [visibility] }),
  );
  const atRest = await readHeld();
  const stop = new AbortController();
  const { heard, ended } = startFollowers(rooms, stop.signal);
  // The first answer is where it starts, and the second says that it goes on from there.
  await untilAll(heard, ({ follower }) => follower.record.answers >= 2);
  const said: Said = new Map(rooms.map((room) => [room, []]));
  const say = (index: number): void => {
    const room = rooms[index % ROOMS] as RoomId;
    said.get(room)?.push(homeserver.say(host, room, `message ${index}`).eventId);
  };
  for (let index = 0; index < ROOMS; index += 1) say(index);
  await untilAll(heard, (each) => isLevel(each, said));

  const faultsOver = new AbortController();
  const making = makeFaults(faultsOver.signal);
  for (let index = 0; index < EVENTS; index += 1) {
    say(index);
    if (index % BURST === 0) await sleep(PAUSE_MS);
  }
  faultsOver.abort();
  const made = await making;
  await untilAll(heard, (each) => isLevel(each, said));
  stop.abort();
  await ended;

  for (const { follower, rooms: due } of heard) {
    const { name, record } = follower;
    expect(record.unanswered, `${name}: requests without answer or end`).toEqual([]);
    expect(record.failures, `${name}: it met the faults`).toBeGreaterThan(0);
    for (const room of due) {
      const ids = record.rooms.get(room) ?? [];
      const [first] = said.get(room) ?? [];
      expect(ids.slice(ids.indexOf(first as EventId)), `${name} in ${room}`).toEqual(said.get(room));
    }
  }
  expect([...new Set(made)], 'faults that were made').toEqual(FAULTS.map(([name]) => name));

  // Idle connections to the homeserver are kept for as long as it says; without them what is left over shows.
  await proxy.goAway();
  let held = await readHeld();
  for (let tries = 0; tries < 150 && held.descriptors > atRest.descriptors; tries += 1) {
    await sleep(100);
    held = await readHeld();
  }
  expect(held.descriptors).toBeLessThanOrEqual(atRest.descriptors);
  expect(held.timers).toBeLessThanOrEqual(atRest.timers);
  expect(held.parked).toBe(0);
  // What it remembers (8 MiB), compiled code, and what V8 has not collected yet.
  expect(held.rssMb - atRest.rssMb).toBeLessThan(80);
}, 300_000);
