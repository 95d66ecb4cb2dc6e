import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecognisedId } from '../../src/operate/differences.ts';
import type { Json, Query } from '../support/synapse/synapse-client.ts';
import { LIVE_CHANGES, LIVE_ROOMS, type LiveChange } from '../support/synapse/live-changes.ts';
import { listen } from '../support/synapse/listener.ts';
import { createStage, expectAlike, type Stage } from '../support/synapse/stage.ts';

let stage: Stage<(typeof LIVE_ROOMS)[number]>;

beforeAll(async () => {
  stage = await createStage('events', LIVE_ROOMS);
  // Her first poll makes her appear online, which is an event of its own.
  await readNow();
});
afterAll(() => stage.close());

/** Alice's place in her stream as it is now: the same for Synapse and for us. */
async function readNow(): Promise<string> {
  return (await stage.native(stage.world.alice).read('v3/events', { timeout: 0 })).end;
}

/** Said behind a change, and listened for: what was before it has come when it comes. */
const sayMarker = (): Promise<string> =>
  stage.world.say(stage.world.bob, stage.world.rooms.plain, 'that was it');

const changes = Object.keys(LIVE_CHANGES) as LiveChange[];

const OWN_JOIN: RecognisedId[] = ['own-membership-once', 'no-own-presence-on-join', 'presence-once'];

describe('when this happened before alice asks, at Synapse and through the gateway -> she hears the same', () => {
  const expected: Partial<Record<LiveChange, RecognisedId[]>> = {
    'an own upgrade': [...OWN_JOIN, 'order-across-rooms'],
    'an invite': ['invites-carry-state', 'order-across-rooms'],
    'an invite from an ignored user': ['no-invites-of-ignored-users'],
    'an invite accepted': [...OWN_JOIN, 'order-across-rooms'],
    'a room created': [...OWN_JOIN, 'order-across-rooms'],
    'a join': [...OWN_JOIN, 'order-across-rooms'],
    'a knock': ['synthetic-invite-id', 'invites-carry-state', 'order-across-rooms'],
    'a leave after last words': ['events-before-a-leave'],
    'a kick after rude words': ['events-before-a-leave'],
    'a leave and a return': [...OWN_JOIN, 'order-across-rooms'],
  };

  test.each(changes)('%s', async (name) => {
    const { world, native, ours } = stage;
    const { alice } = world;
    const change = await LIVE_CHANGES[name](world);
    const from = await readNow();
    await change();
    const marker = await sayMarker();
    const [nativeAnswer, ourAnswer] = await Promise.all(
      [native, ours].map((at) => listen(at(alice), from, 0).until(marker)),
    );
    expectAlike('events', { user: alice, native: nativeAnswer, ours: ourAnswer }, expected[name] ?? []);
  });
});

describe('when this happens while alice waits, at Synapse and through the gateway -> she hears the same', () => {
  const expected: Partial<Record<LiveChange, RecognisedId[]>> = {
    'an own upgrade': ['events-before-a-join', 'no-own-presence-on-join', 'order-across-rooms'],
    'an invite': ['invites-carry-state', 'order-across-rooms'],
    'an invite from an ignored user': ['no-invites-of-ignored-users'],
    'an invite accepted': ['no-own-presence-on-join', 'order-across-rooms'],
    'a room created': ['events-before-a-join', 'no-own-presence-on-join', 'order-across-rooms'],
    'a join': ['events-before-a-join', 'no-own-presence-on-join', 'order-across-rooms'],
    'a knock': ['synthetic-invite-id', 'invites-carry-state', 'order-across-rooms'],
    'a leave': ['own-membership-once'],
    'a kick': ['own-membership-once'],
    'a ban': ['own-membership-once'],
    'a room forgotten': ['own-membership-once'],
  };
  /** Of several steps, between which polls end and begin by chance: what Synapse makes of them is chance as well. */
  const byChance: LiveChange[] = [
    'an invite withdrawn',
    'a leave and a return',
    'a leave after last words',
    'a kick after rude words',
  ];

  test.each(changes.filter((name) => !byChance.includes(name)))('%s', async (name) => {
    const { world, native, ours } = stage;
    const { alice } = world;
    const change = await LIVE_CHANGES[name](world);
    const from = await readNow();
    const passed = stage.blocker.untilPassed(/\/sync$/);
    const listening = [native, ours].map((at) => listen(at(alice), from, 30_000));
    await passed;
    // Whatever Synapse was asked before has been taken up when this is answered.
    await native(alice).read('v3/account/whoami');
    await change();
    const marker = await sayMarker();
    const [nativeAnswer, ourAnswer] = await Promise.all(listening.map((listener) => listener.until(marker)));
    expectAlike('events', { user: alice, native: nativeAnswer, ours: ourAnswer }, expected[name] ?? []);
  });
});

describe('when alice wants the federation form -> the same as from Synapse itself', () => {
  test.each<LiveChange>([
    'a message',
    'an own message',
    'an edit and a reaction',
    'a redaction of something old',
  ])('%s', async (name) => {
    const { world, native, ours } = stage;
    const change = await LIVE_CHANGES[name](world);
    const from = await readNow();
    await change();
    const query = { from, timeout: 0, raw: 'true' };
    const answers = {
      native: await native(world.alice).read('v3/events', query),
      ours: await ours(world.alice).read('v3/events', query),
    };
    expect(answers.ours.chunk[0]).toHaveProperty('auth_events');
    expectAlike('events', { user: world.alice, ...answers }, []);
  });
});

test.each(['api/v1', 'r0', 'unstable', 'v1', 'v2_alpha'])(
  'when asked under %s -> the same as from Synapse itself under v3',
  async (prefix) => {
    const { alice, bob, rooms, say } = stage.world;
    const from = await readNow();
    await say(bob, rooms.plain, `under ${prefix}`);
    const native = await stage.native(alice).read('v3/events', { from, timeout: 0 });
    const ours = await stage.ours(alice).read(`${prefix}/events`, { from, timeout: 0 });
    expectAlike('events', { user: alice, native, ours }, []);
  },
);

test('when several users listen at once -> each hears the same as from Synapse itself', async () => {
  const { alice, bob, carol, rooms, say } = stage.world;
  const from = await readNow();
  const users = [alice, bob, carol];
  await Promise.all(users.map((user) => stage.native(user).read('v3/events', { timeout: 0 })));
  await say(bob, rooms.busy, 'to all');
  await Promise.all(
    users.map(async (user) => {
      const [native, ours] = await Promise.all(
        [stage.native, stage.ours].map((at) => at(user).read('v3/events', { from, timeout: 0 })),
      );
      expect(roomEventsOf(ours).map(({ event_id }) => event_id)).toEqual(
        roomEventsOf(native).map(({ event_id }) => event_id),
      );
    }),
  );
});

const roomEventsOf = ({ chunk }: Json): Json[] =>
  chunk.filter(({ event_id }: Json) => event_id !== undefined);

describe('limit', () => {
  /** Follows to the end of the stream → ids of room events, as they came, and how many each answer had. Presence comes when it may. */
  async function follow(at: Stage['native'], from: string, query: Query) {
    const ids: string[] = [];
    const counts: number[] = [];
    for (let token = from; ;) {
      const { chunk, end } = await at(stage.world.alice).read('v3/events', {
        from: token,
        timeout: 0,
        ...query,
      });
      if (chunk.length === 0) return { ids, counts };
      const events = roomEventsOf({ chunk });
      if (events.length > 0) counts.push(events.length);
      ids.push(...events.map(({ event_id }) => event_id));
      token = end;
    }
  }

  test.each([{ limit: 1 }, { limit: 4 }, { limit: 10 }, {}])(
    'when 12 messages of one room are followed with %o -> each once, in order, as from Synapse itself',
    async (query) => {
      const { bob, rooms, say } = stage.world;
      const from = await readNow();
      for (let count = 1; count <= 12; count += 1) await say(bob, rooms.busy, `followed ${count}`);
      const [native, ours] = await Promise.all([
        follow(stage.native, from, query),
        follow(stage.ours, from, query),
      ]);
      expect(native.ids).toHaveLength(12);
      expect(ours.ids).toEqual(native.ids);
      if (query.limit !== undefined) expect(ours.counts).toEqual(native.counts);
    },
  );

  test('when 30 messages of three rooms are followed with a limit of 7 -> what Synapse has, each room in order', async () => {
    const { bob, rooms, say } = stage.world;
    const chosen = [rooms.busy, rooms.plain, rooms.tagged];
    const from = await readNow();
    const sent = new Map(chosen.map((room) => [room, [] as string[]]));
    for (let count = 0; count < 30; count += 1) {
      const room = chosen[count % 3] ?? rooms.plain;
      sent.get(room)?.push(await say(bob, room, `of three ${count}`));
    }
    const [native, ours] = await Promise.all([
      follow(stage.native, from, { limit: 7 }),
      follow(stage.ours, from, { limit: 7 }),
    ]);
    expect(ours.ids.toSorted()).toEqual(native.ids.toSorted());
    expect(Math.max(...ours.counts)).toBeLessThanOrEqual(7);
    for (const inRoom of sent.values())
      expect(ours.ids.filter((eventId) => inRoom.includes(eventId))).toEqual(inRoom);
  });
});

describe('when nothing happens', () => {
  test.each([{ timeout: 0 }, { timeout: 1 }, { timeout: 700 }])(
    'with %o -> an empty chunk, and the token that was sent',
    async (query) => {
      const { alice } = stage.world;
      const from = await readNow();
      const answer = await stage.ours(alice).read('v3/events', { from, ...query });
      expect(answer).toEqual({ chunk: [], start: from, end: from });
    },
  );

  test('and what happens is not for old clients -> the poll waits on for what is', async () => {
    const { alice, bob, rooms, mute, say, sendToDevice } = stage.world;
    const from = await readNow();
    const passed = stage.blocker.untilPassed(/\/sync$/);
    const answer = stage.ours(alice).read('v3/events', { from, timeout: 30_000 });
    await passed;
    const passedAgain = stage.blocker.untilPassed(/\/sync$/);
    await sendToDevice(bob, alice);
    await mute(alice, rooms.encrypted);
    await passedAgain;
    const eventId = await say(bob, rooms.plain, 'worth waking up for');
    expect((await answer).chunk.map(({ event_id }: Json) => event_id)).toEqual([eventId]);
  });
});

test.each([{}, { from: '' }, { from: 'END' }])(
  'when asked with %o -> what happens from now on, and nothing before it',
  async (query) => {
    const { alice, bob, rooms, say } = stage.world;
    await say(bob, rooms.plain, 'too early');
    const passed = stage.blocker.untilPassed(/\/sync$/);
    const answer = stage.ours(alice).read('v3/events', { timeout: 30_000, ...query });
    await passed;
    // The first /sync asks where now is, the second one waits.
    await stage.blocker.untilPassed(/\/sync$/);
    await stage.native(alice).read('v3/account/whoami');
    const eventId = await say(bob, rooms.plain, 'just in time');
    const { chunk, start, end } = await answer;
    expect(chunk.map(({ event_id }: Json) => event_id)).toEqual([eventId]);
    expect(start).not.toBe('');
    expect(end).not.toBe(start);
  },
);

test('when the same place is asked for again and again -> the same events each time', async () => {
  const { alice, bob, rooms, say } = stage.world;
  const from = await readNow();
  const eventId = await say(bob, rooms.plain, 'as often as you like');
  for (const timeout of [0, 1, 30_000, 30_000]) {
    const { chunk } = await stage.ours(alice).read('v3/events', { from, timeout });
    expect(chunk.map(({ event_id }: Json) => event_id)).toEqual([eventId]);
  }
});

test('when two polls of one session wait -> both hear of it', async () => {
  const { alice, bob, rooms, say } = stage.world;
  const from = await readNow();
  const passed = stage.blocker.untilPassed(/\/sync$/);
  const first = stage.ours(alice).read('v3/events', { from, timeout: 30_000 });
  await passed;
  const passedToo = stage.blocker.untilPassed(/\/sync$/);
  const second = stage.ours(alice).read('v3/events', { from, timeout: 30_000 });
  await passedToo;
  const eventId = await say(bob, rooms.plain, 'to both');
  for (const { chunk } of await Promise.all([first, second]))
    expect(chunk.map(({ event_id }: Json) => event_id)).toEqual([eventId]);
});
