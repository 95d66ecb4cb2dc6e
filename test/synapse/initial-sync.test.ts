import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecognisedId } from '../../src/operate/differences.ts';
import { register, type Json, type Query, type User } from '../support/synapse/synapse-client.ts';
import { createStage, expectAlike, type Stage } from '../support/synapse/stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await createStage('initial');
  // Whether a state event has its `prev_content` depends on what Synapse happens to have in memory: all of it, now.
  for (const limit of [1000, 0])
    await stage.native(stage.world.alice).read('v3/initialSync', { limit, archived: true });
});
afterAll(() => stage.close());

async function compareFor(
  user: User,
  query: Query,
  expected: readonly RecognisedId[],
  path = 'v3/initialSync',
) {
  const native = await stage.native(user).read('v3/initialSync', query);
  const ours = await stage.ours(user).read(path, query);
  expectAlike('initialSync', { user, native, ours }, expected);
}

const ALWAYS: RecognisedId[] = ['invites-carry-state', 'invited-rooms-have-lists', 'no-aliases-in-the-state'];

describe('when alice asks at Synapse and through the gateway -> the same, but for', () => {
  test.each<{ query: Query; also: RecognisedId[] }>([
    { query: {}, also: ['full-chunks'] },
    { query: { limit: 0 }, also: [] },
    { query: { limit: 1 }, also: ['full-chunks'] },
    { query: { limit: 10 }, also: ['full-chunks'] },
    { query: { limit: 30 }, also: [] },
    { query: { limit: 5000 }, also: [] },
    { query: { archived: false }, also: ['full-chunks'] },
    { query: { archived: true }, also: ['full-chunks'] },
    { query: { archived: true, limit: 0 }, also: [] },
    { query: { archived: true, limit: 1 }, also: ['full-chunks'] },
    { query: { archived: true, limit: 30 }, also: [] },
    { query: { raw: '' }, also: ['full-chunks', 'raw-invites-are-legacy'] },
    { query: { raw: 'false', archived: true, limit: 30 }, also: ['raw-invites-are-legacy'] },
    { query: { from: 'END', dir: 'b', limit: 3 }, also: ['full-chunks'] },
  ])('$query', ({ query, also }) => compareFor(stage.world.alice, query, [...ALWAYS, ...also]));
});

test.each(['api/v1', 'r0', 'unstable', 'v1', 'v2_alpha'])(
  'when asked under %s -> the same as from Synapse itself under v3',
  (prefix) => compareFor(stage.world.alice, { limit: 30 }, ALWAYS, `${prefix}/initialSync`),
);

test('when the others ask -> the same as from Synapse itself', async () => {
  const { bob, carol, dave } = stage.world;
  const query = { limit: 30, archived: true };
  await compareFor(bob, query, ['no-aliases-in-the-state']);
  await compareFor(carol, query, []);
  await compareFor(dave, query, []);
});

test('when somebody has no room at all -> the same empty arrays as from Synapse itself', async () => {
  const newcomer = await register(stage.world.url, 'initial-newcomer');
  await compareFor(newcomer, { archived: true }, []);
  expect(await stage.ours(newcomer).read('v3/initialSync')).toMatchObject({
    rooms: [],
    presence: [],
    account_data: [],
    receipts: [],
  });
});

test('when somebody has only an invite -> the same as from Synapse itself', async () => {
  const { bob, url, rooms, moderate } = stage.world;
  const invited = await register(url, 'initial-invited');
  await moderate(bob, 'invite', rooms.direct, invited);
  await compareFor(invited, {}, ['invites-carry-state', 'invited-rooms-have-lists']);
});

test('when there are invites -> they come after all other rooms', async () => {
  const { rooms } = await stage.ours(stage.world.alice).read('v3/initialSync', { archived: true });
  const memberships: string[] = rooms.map(({ membership }: Json) => membership);
  expect(memberships.slice(memberships.indexOf('invite'))).toEqual(['invite', 'invite']);
  expect(memberships.slice(0, memberships.indexOf('invite'))).not.toContain('invite');
});

test('when a room is banned, knocked, rejected or forgotten -> it is there exactly where Synapse has it', async () => {
  const { alice, rooms } = stage.world;
  const answer = await stage.ours(alice).read('v3/initialSync', { archived: true, limit: 1 });
  const membershipOf = (room: string): string =>
    answer.rooms.find(({ room_id }: Json) => room_id === room)?.membership;
  expect({
    banned: membershipOf(rooms.banned),
    knocked: membershipOf(rooms.knocked),
    forgotten: membershipOf(rooms.forgotten),
    kicked: membershipOf(rooms.kicked),
    unbanned: membershipOf(rooms.unbanned),
    rejected: membershipOf(rooms.rejected),
  }).toEqual({
    banned: undefined,
    knocked: undefined,
    forgotten: undefined,
    kicked: 'leave',
    unbanned: 'leave',
    rejected: 'leave',
  });
});

test('when something happened since the same request -> the next answer has it, and a later token', async () => {
  const { alice, bob, rooms, say } = stage.world;
  const first = await stage.ours(alice).read('v3/initialSync', { limit: 1 });
  const eventId = await say(bob, rooms.plain, 'between two initial syncs');
  const second = await stage.ours(alice).read('v3/initialSync', { limit: 1 });
  const plain = second.rooms.find(({ room_id }: Json) => room_id === rooms.plain);
  expect(plain.messages.chunk.map(({ event_id }: Json) => event_id)).toEqual([eventId]);
  expect(second.end).not.toBe(first.end);
});

test('when several ask at once -> each gets his own account', async () => {
  const { alice, bob, carol } = stage.world;
  const users = [alice, bob, carol, alice, bob, carol];
  const answers = await Promise.all(
    users.map((user) => stage.ours(user).read('v3/initialSync', { limit: 2 })),
  );
  for (const [index, user] of users.entries()) {
    const native = await stage.native(user).read('v3/initialSync', { limit: 2 });
    const idsOf = (answer: Json): string[] => answer.rooms.map(({ room_id }: Json) => room_id).toSorted();
    expect(idsOf(answers[index])).toEqual(idsOf(native));
  }
});
