// Looking into rooms: `/events?room_id=` and `/rooms/{id}/initialSync`, by members and by those who only look.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  register,
  type Client,
  type Json,
  type Query,
  type User,
} from '../support/synapse/synapse-client.ts';
import { createStage, expectAlike, type Stage } from '../support/synapse/stage.ts';

let stage: Stage;
/** Has joined nothing. */
let peeker: User;
let guest: User;

beforeAll(async () => {
  stage = await createStage('peek');
  peeker = await register(stage.world.url, 'peek-peeker');
  guest = await register(stage.world.url);
  // Whether a state event has its `prev_content` depends on what Synapse happens to have in memory: all of it, now.
  await stage.native(stage.world.alice).read('v3/initialSync', { limit: 1000, archived: true });
});
afterAll(() => stage.close());

const snapshotPath = (roomId: string, prefix = 'v3'): string =>
  `${prefix}/rooms/${encodeURIComponent(roomId)}/initialSync`;

const ROOMS_NOT_TO_BE_READ = ['invited', 'left', 'kicked', 'banned', 'knocked', 'forgotten'] as const;
const NO_ROOMS = ['!unknown:hs.test', '!unknown', 'junk', '#alias:hs.test'];

describe('when a room is not hers to read -> 403 with the words of Synapse', () => {
  test.each(ROOMS_NOT_TO_BE_READ)('%s, its stream', async (name) => {
    const query = { room_id: stage.world.rooms[name], timeout: 0 };
    await expectSameRefusal((at) => at(stage.world.alice).get('v3/events', query));
  });
  test.each(NO_ROOMS)('%s, its stream', async (roomId) => {
    const query = { room_id: roomId, timeout: 0 };
    await expectSameRefusal((at) => at(stage.world.alice).get('v3/events', query));
  });
  test.each(['invited', 'banned', 'knocked', 'forgotten'] as const)('%s, as it is now', async (name) => {
    await expectSameRefusal((at) => at(stage.world.alice).get(snapshotPath(stage.world.rooms[name])));
  });
  test.each(NO_ROOMS)('%s, as it is now', async (roomId) => {
    await expectSameRefusal((at) => at(stage.world.alice).get(snapshotPath(roomId)));
  });
  test('a private room, by a peeker and by a guest', async () => {
    for (const user of [peeker, guest]) {
      const query = { room_id: stage.world.rooms.plain, timeout: 0 };
      await expectSameRefusal((at) => at(user).get('v3/events', query));
      await expectSameRefusal((at) => at(user).get(snapshotPath(stage.world.rooms.plain)));
    }
  });
});

async function expectSameRefusal(ask: (at: Stage['native']) => ReturnType<Client['get']>): Promise<void> {
  const [native, ours] = [await ask(stage.native), await ask(stage.ours)];
  expect(native.status).toBe(403);
  expect([ours.status, ours.json]).toEqual([native.status, native.json]);
}

test('when five messages are sent beside a poll without `from` -> four of them at least, as they come', async () => {
  const { world, ours } = stage;
  const { alice, rooms } = world;
  const query = { room_id: rooms.published };
  const polling = ours(peeker).read('v3/events', { ...query, timeout: 30_000 });
  const sent: string[] = [];
  for (let n = 0; n < 5; n += 1) sent.push(await world.say(alice, rooms.published, `beside the poll ${n}`));
  const seen: string[] = [];
  for (let answer = await polling; ;) {
    seen.push(...answer.chunk.map(({ event_id }: Json) => event_id));
    if (seen.includes(sent.at(-1) ?? '')) break;
    answer = await ours(peeker).read('v3/events', { ...query, from: answer.end, timeout: 30_000 });
  }
  expect(seen.length).toBeGreaterThanOrEqual(4);
  expect(seen).toEqual(sent.slice(-seen.length));
});

describe('when a world readable room is followed -> its events as from Synapse itself', () => {
  test.each(['peeker', 'guest', 'member'])('by a %s', async (who) => {
    const { world, native, ours } = stage;
    const { alice, bob, rooms } = world;
    const user = { peeker, guest, member: bob }[who] as User;
    const query = { room_id: rooms.published, timeout: 0 };
    const from = (await native(user).read('v3/events', query)).end;
    const eventId = await world.say(alice, rooms.published, 'to all the world');
    await world.setState(alice, rooms.published, 'm.room.topic', { topic: `For a ${who}` });
    await world.redact(alice, rooms.published, eventId);
    await world.say(alice, rooms.alone, 'of another room');
    const [nativeAnswer, ourAnswer] = [
      await native(user).read('v3/events', { ...query, from }),
      await ours(user).read('v3/events', { ...query, from }),
    ];
    const expected = roomEventsOf(nativeAnswer);
    expect(expected).toHaveLength(3);
    expect(roomEventsOf(ourAnswer)).toEqual(expected);
    // Differs: room events only.
    expect(ourAnswer.chunk).toHaveLength(3);
    expect(ourAnswer.start).toBe(from);
    expect(await ours(user).read('v3/events', { ...query, from: ourAnswer.end })).toMatchObject({
      chunk: [],
      end: ourAnswer.end,
    });
  });
});

const roomEventsOf = ({ chunk }: Json): Json[] =>
  chunk.filter(({ event_id }: Json) => event_id !== undefined).map(withoutAge);

/** An event without what differs between any two moments. */
function withoutAge(event: Json): Json {
  return JSON.parse(
    JSON.stringify(event, (key: string, value: unknown) => (key === 'age' ? undefined : value)),
  );
}

test('when something is said while a peeker waits -> he hears it', async () => {
  const { world, ours } = stage;
  const query = { room_id: world.rooms.published, timeout: 30_000 };
  const { end } = await ours(peeker).read('v3/events', { ...query, timeout: 0 });
  const answer = ours(peeker).read('v3/events', { ...query, from: end });
  const eventId = await world.say(world.alice, world.rooms.published, 'is there anybody?');
  const { chunk } = await answer;
  expect(chunk.map(({ event_id }: Json) => event_id)).toEqual([eventId]);
});

test('when many things are said and five are asked for -> each once, in order', async () => {
  const { world, ours } = stage;
  const room = world.rooms.published;
  const query = { room_id: room, timeout: 0, limit: 5 };
  let { end } = await ours(peeker).read('v3/events', query);
  const sent: string[] = [];
  for (let count = 1; count <= 18; count += 1) sent.push(await world.say(world.alice, room, `said ${count}`));
  const received: string[] = [];
  for (;;) {
    const answer = await ours(peeker).read('v3/events', { ...query, from: end });
    expect(answer.chunk.length).toBeLessThanOrEqual(5);
    received.push(...answer.chunk.map(({ event_id }: Json) => event_id));
    if (answer.chunk.length === 0) break;
    end = answer.end;
  }
  expect(received).toEqual(sent);
});

test('when a room turns unreadable while a peeker waits -> 403 as for a room that never was', async () => {
  const { world, ours } = stage;
  const { alice } = world;
  const open = { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } };
  const room = await world.createRoom(alice, [], { preset: 'public_chat', initial_state: [open] });
  const query = { room_id: room, timeout: 30_000 };
  const { end } = await ours(peeker).read('v3/events', { ...query, timeout: 0 });
  await world.setState(alice, room, 'm.room.history_visibility', { history_visibility: 'joined' });
  await world.say(alice, room, 'among ourselves');
  const { status, json } = await ours(peeker).get('v3/events', { ...query, from: end });
  expect([status, json.error]).toEqual([403, 'Non-joined access not allowed']);
});

/** Natively and through the gateway, one after the other. */
async function readBoth(
  user: User,
  roomId: string,
  query: Query = {},
): Promise<{ native: Json; ours: Json }> {
  const native = await stage.native(user).read(snapshotPath(roomId), query);
  const ours = await stage.ours(user).read(snapshotPath(roomId), query);
  return { native, ours };
}

describe('when alice asks for a room as it is now -> what Synapse says', () => {
  test.each([
    'plain',
    'busy',
    'direct',
    'encrypted',
    'related',
    'redacted',
    'published',
    'tagged',
    'membersGone',
    'rejoined',
    'upgraded',
    'alone',
    'left',
    'kicked',
    'version 1',
    'version 12',
  ] as const)('%s', async (name) => {
    const { alice, rooms } = stage.world;
    const answers = await readBoth(alice, rooms[name], { limit: 20 });
    expectAlike('roomInitialSync', { user: alice, ...answers }, []);
  });
});

test.each([0, 1, 10, 1000])(
  'when %i messages are asked for -> as many as from Synapse itself',
  async (limit) => {
    const { alice, rooms } = stage.world;
    const { native, ours } = await readBoth(alice, rooms.busy, { limit });
    expect(ours.messages.chunk.map(withoutAge)).toEqual(native.messages.chunk.map(withoutAge));
  },
);

test('when the only receipt is for an event that alice does not see -> no receipt', async () => {
  const { alice, rooms } = stage.world;
  const answers = await readBoth(alice, rooms.ignored, { limit: 20 });
  expectAlike('roomInitialSync', { user: alice, ...answers }, ['receipts-of-the-chunk']);
});

test('when a peeker or a guest looks at a world readable room -> what Synapse says', async () => {
  const { rooms } = stage.world;
  for (const user of [peeker, guest]) {
    const answers = await readBoth(user, rooms.published);
    expectAlike('roomInitialSync', { user, ...answers }, ['peekers-see-no-presence']);
  }
});

test('when something is said between the look at a room and the first poll -> the poll has it', async () => {
  const { world, ours } = stage;
  const room = world.rooms.published;
  await ours(peeker).read(snapshotPath(room));
  const eventId = await world.say(world.alice, room, 'in between');
  const { chunk } = await ours(peeker).read('v3/events', { room_id: room, timeout: 0 });
  expect(chunk.map(({ event_id }: Json) => event_id)).toEqual([eventId]);
});

test('when a modern client looks into a room -> no message to its device gets lost', async () => {
  const { world, native, ours } = stage;
  const { next_batch } = await native(peeker).read('v3/sync', { timeout: 0 });
  await world.sendToDevice(world.bob, peeker);
  const query = { room_id: world.rooms.published, timeout: 0 };
  await ours(peeker).read(snapshotPath(world.rooms.published));
  for (let count = 1; count <= 3; count += 1) {
    const { end } = await ours(peeker).read('v3/events', query);
    await world.say(world.alice, world.rooms.published, `look ${count}`);
    await ours(peeker).read('v3/events', { ...query, from: end });
  }
  const { to_device } = await native(peeker).read('v3/sync', { since: next_batch, timeout: 0 });
  expect(to_device.events).toHaveLength(1);
});
