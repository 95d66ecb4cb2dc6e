import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register, type Json, type User } from '../support/synapse/synapse-client.ts';
import { createStage, expectAlike, type Stage } from '../support/synapse/stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await createStage('event');
});
afterAll(() => stage.close());

const pathOf = (eventId: string, prefix = 'v3'): string => `${prefix}/events/${encodeURIComponent(eventId)}`;

/** The newest events of a room of alice's, by id, as she can see them. */
async function newestIn(roomId: string): Promise<string[]> {
  const path = `v3/rooms/${encodeURIComponent(roomId)}/messages`;
  const { chunk } = await stage.native(stage.world.alice).read(path, { dir: 'b', limit: 50 });
  return chunk.map(({ event_id }: Json) => event_id);
}

/** The event as Synapse answers it and as we do, who may be asked under another prefix. */
async function expectSame(user: User, eventId: string, prefix = 'v3'): Promise<void> {
  const native = await stage.native(user).read(pathOf(eventId));
  const ours = await stage.ours(user).read(pathOf(eventId, prefix));
  expectAlike('event', { user, native, ours }, []);
}

describe('when alice asks for an event of a room of hers -> what Synapse says', () => {
  test.each([
    'plain',
    'encrypted',
    'related',
    'redacted',
    'published',
    'tagged',
    'ignored',
    'rejoined',
    'upgraded',
    'version 1',
    'version 2',
    'version 3',
    'version 6',
    'version 10',
    'version 11',
    'version 12',
  ] as const)('%s', async (name) => {
    const { alice, rooms } = stage.world;
    for (const eventId of await newestIn(rooms[name])) await expectSame(alice, eventId);
  });
});

test.each(['api/v1', 'r0', 'unstable', 'v1', 'v2_alpha'])(
  'when asked under %s -> the same as from Synapse itself under v3',
  async (prefix) => {
    const { alice, bob, rooms, say } = stage.world;
    const eventId = await say(bob, rooms.plain, `under ${prefix}`);
    await expectSame(alice, eventId, prefix);
  },
);

test('when the id is not encoded in the path -> the same event', async () => {
  const { alice, rooms } = stage.world;
  const [eventId = ''] = await newestIn(rooms['version 12']);
  expect(await stage.ours(alice).read(`v3/events/${eventId}`)).toMatchObject({ event_id: eventId });
  const [oldId = ''] = await newestIn(rooms['version 3']);
  expect(await stage.ours(alice).read(`v3/events/${oldId}`)).toMatchObject({ event_id: oldId });
});

/** Synapse itself answers the JSON string "Event not found.". */
test.each(['$unknown', '$unknown:hs.test', 'junk', ''])(
  'when there is no event %j -> 404, as from Synapse itself, but with an error object',
  async (eventId) => {
    const { alice } = stage.world;
    const native = await stage.native(alice).get(pathOf(eventId));
    const ours = await stage.ours(alice).get(pathOf(eventId));
    expect([native.status, native.json]).toEqual([404, 'Event not found.']);
    expect([ours.status, ours.json]).toEqual([404, { errcode: 'M_NOT_FOUND', error: 'Event not found.' }]);
  },
);

/** Synapse itself answers 403, which tells that the event exists. */
test('when it is in a room that is not hers -> 404 as for one that does not exist', async () => {
  const { alice, bob, carol, createRoom, say } = stage.world;
  const secret = await say(bob, await createRoom(bob, [carol]), 'secret');
  expect((await stage.native(alice).get(pathOf(secret))).status).toBe(403);
  expect(await stage.ours(carol).read(pathOf(secret))).toMatchObject({ event_id: secret });
  const { status, json } = await stage.ours(alice).get(pathOf(secret));
  expect([status, json]).toEqual([404, { errcode: 'M_NOT_FOUND', error: 'Event not found.' }]);
});

test('when a guest asks -> 403, as from Synapse itself', async () => {
  const { url, rooms } = stage.world;
  const guest = await register(url);
  const [eventId = ''] = await newestIn(rooms.published);
  const [native, ours] = [
    await stage.native(guest).get(pathOf(eventId)),
    await stage.ours(guest).get(pathOf(eventId)),
  ];
  expect([ours.status, ours.json]).toEqual([native.status, native.json]);
  expect(ours.status).toBe(403);
});
