// A place in the stream is the same whoever gave it out: a client may change between the homeserver and the gateway.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client, Json, Query } from '../support/synapse/synapse-client.ts';
import { createStage, type Stage } from '../support/synapse/stage.ts';

const ROOMS = [
  'busy',
  'plain',
  'redacted',
  'joinedHistory',
  'version 1',
  'version 12',
  'alone',
  'left',
  'tagged',
] as const;

let stage: Stage<(typeof ROOMS)[number]>;

beforeAll(async () => {
  stage = await createStage('tokens', ROOMS);
});
afterAll(() => stage.close());

const idsOf = (events: readonly Json[]): string[] =>
  events.map(({ event_id }) => event_id).filter((eventId) => eventId !== undefined);

const messagesOf = (roomId: string, prefix: string): string =>
  `${prefix}/rooms/${encodeURIComponent(roomId)}/messages`;

/** Where `end` of each kind of answer comes from, at the homeserver and at the gateway alike. */
const SOURCES: Record<string, (client: Client) => Promise<string>> = {
  initialSync: async (client) => (await client.read('v3/initialSync', { limit: 1 })).end,
  events: async (client) => (await client.read('v3/events', { timeout: 0 })).end,
  sync: readNextBatch,
};

/** Another timeout each time: Synapse answers an identical initial /sync from a cache for two minutes. */
let timeout = 0;
async function readNextBatch(client: Client): Promise<string> {
  timeout += 1;
  return (await client.read('v3/sync', { timeout })).next_batch;
}

/** Event ids of a room that came after a token, by each endpoint that takes one. */
const TAKERS: Record<string, (client: Client, from: string, roomId: string) => Promise<string[]>> = {
  events: async (client, from, roomId) => {
    const { chunk } = await client.read('v3/events', { from, timeout: 0, limit: 100 });
    return idsOf(chunk.filter(({ room_id }: Json) => room_id === roomId));
  },
  sync: async (client, since, roomId) => {
    const { rooms } = await client.read('v3/sync', { since, timeout: 0 });
    return idsOf(rooms?.join?.[roomId]?.timeline.events ?? []);
  },
  messages: async (client, from, roomId) =>
    idsOf((await client.read(messagesOf(roomId, 'v3'), { dir: 'f', from, limit: 100 })).chunk),
};

describe.each(Object.keys(SOURCES))('when a token comes from %s', (source) => {
  test.each(Object.keys(TAKERS))('and goes to %s -> it means the same place on both sides', async (taker) => {
    const { world, native, ours } = stage;
    const { alice, bob, rooms } = world;
    for (const [giver, reader] of [
      [native, ours],
      [ours, native],
      [ours, ours],
    ] as const) {
      const from = await (SOURCES[source] as (client: Client) => Promise<string>)(giver(alice));
      const sent = [await world.say(bob, rooms.plain, 'one'), await world.say(bob, rooms.plain, 'two')];
      const take = TAKERS[taker] as (client: Client, from: string, roomId: string) => Promise<string[]>;
      expect(await take(reader(alice), from, rooms.plain)).toEqual(sent);
    }
  });
});

/** Pages back to the room's beginning → event ids, newest first. */
async function pageBack(client: Client, roomId: string, from: string, query: Query, prefix = 'v3') {
  const ids: string[] = [];
  for (let position: string | undefined = from; position !== undefined;) {
    const path = messagesOf(roomId, prefix);
    const { chunk, end } = await client.read(path, { dir: 'b', from: position, ...query });
    ids.push(...idsOf(chunk));
    position = chunk.length === 0 ? undefined : end;
  }
  return ids;
}

describe('when alice pages back from messages.start of an initial sync -> with its chunk the whole room, each once', () => {
  test.each([
    { name: 'busy', limit: 1 },
    { name: 'busy', limit: 10 },
    { name: 'busy', limit: 0 },
    { name: 'busy', limit: 1000 },
    { name: 'plain', limit: 3 },
    { name: 'redacted', limit: 10 },
    { name: 'joinedHistory', limit: 10 },
    { name: 'version 1', limit: 4 },
    { name: 'version 12', limit: 1000 },
    { name: 'alone', limit: 10 },
  ] as const)('$name, $limit', async ({ name, limit }) => {
    const { world, ours } = stage;
    const room = world.rooms[name];
    const { rooms } = await ours(world.alice).read('v3/initialSync', { limit });
    const { messages } = rooms.find(({ room_id }: Json) => room_id === room);
    const chunk = idsOf(messages.chunk).toReversed();
    for (const prefix of ['api/v1', 'r0', 'v3']) {
      const before = await pageBack(ours(world.alice), room, messages.start, { limit: 7 }, prefix);
      const all = [...chunk, ...before];
      expect(new Set(all).size).toBe(all.length);
      expect(all).toEqual(await historyOf(room));
    }
  });
});

/** The room as the homeserver pages it from now on back. */
async function historyOf(roomId: string): Promise<string[]> {
  const client = stage.native(stage.world.alice);
  return pageBack(client, roomId, await readNextBatch(client), { limit: 100 });
}

test('when alice pages back from a left room -> up to her leave, each event once', async () => {
  const { world, ours } = stage;
  const room = world.rooms.left;
  const { rooms } = await ours(world.alice).read('v3/initialSync', { limit: 2, archived: true });
  const { messages } = rooms.find(({ room_id }: Json) => room_id === room);
  const before = await pageBack(ours(world.alice), room, messages.start, { limit: 3 });
  expect([...idsOf(messages.chunk).toReversed(), ...before]).toEqual(await historyOf(room));
});

test('when an old client pages under api/v1 -> pages are full until the room begins', async () => {
  const { world, ours } = stage;
  const client = ours(world.alice);
  const { rooms } = await client.read('api/v1/initialSync', { limit: 10 });
  const { messages } = rooms.find(({ room_id }: Json) => room_id === world.rooms.busy);
  const path = messagesOf(world.rooms.busy, 'api/v1');
  const first = await client.read(path, { dir: 'b', from: messages.start, limit: 10 });
  expect(first.chunk).toHaveLength(10);
  expect(first.start).toBe(messages.start);
});

test('when a catch-up token goes to /messages -> what is still to come is there, in order', async () => {
  const { world, ours, native } = stage;
  const { alice, bob, rooms, say } = world;
  const from = (await native(alice).read('v3/events', { timeout: 0 })).end;
  const sent: string[] = [];
  for (let count = 1; count <= 25; count += 1) sent.push(await say(bob, rooms.tagged, `catch up ${count}`));
  const received: string[] = [];
  for (let token = from; ;) {
    const { chunk, end } = await ours(alice).read('v3/events', { from: token, timeout: 0, limit: 4 });
    if (chunk.length === 0) break;
    received.push(...idsOf(chunk));
    token = end;
    // /messages goes on where the page began that the catch-up stands in: it may repeat, and never loses.
    const rest = await ours(alice).read(messagesOf(rooms.tagged, 'v3'), {
      dir: 'f',
      from: token,
      limit: 100,
    });
    const toCome = sent.slice(received.length);
    expect(idsOf(rest.chunk).slice(rest.chunk.length - toCome.length)).toEqual(toCome);
  }
  expect(received).toEqual(sent);
});
