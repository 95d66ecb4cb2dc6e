import { describe, expect, test } from 'vitest';
import { compare } from '../../src/operate/compare.ts';
import { expectedDifferences, type RecognisedId } from '../../src/operate/differences.ts';

type Json = Record<string, unknown>;

const me = '@me:test';
const ownMembership = (id: string, membership: string): Json => ({
  type: 'm.room.member',
  event_id: `$${id}`,
  room_id: '!a',
  state_key: me,
  content: { membership },
});
const aMessage = (id: string, room_id = '!a'): Json => ({
  type: 'm.room.message',
  event_id: `$${id}`,
  room_id,
});
const presenceOf = (user_id: string): Json => ({
  type: 'm.presence',
  content: { user_id, presence: 'online' },
});

const [join, leave, invite, knock] = ['join', 'leave', 'invite', 'knock'].map((membership) =>
  ownMembership(membership, membership),
) as [Json, Json, Json, Json];
const state = [{ type: 'm.room.name', state_key: '', content: { name: 'N' } }];

interface Case {
  difference: RecognisedId;
  native: Json[];
  ours: Json[];
}

const compareChunks = ({ native, ours, difference }: Case) =>
  compare(
    'events',
    {
      userId: me,
      native: { start: 's', chunk: native, end: 's' },
      ours: { start: 's', chunk: ours, end: 's' },
    },
    expectedDifferences([difference]),
  );

describe('in a stream', () => {
  test.each<Case>([
    { difference: 'own-membership-once', native: [join, join], ours: [join] },
    {
      difference: 'presence-once',
      native: [presenceOf('@bob:test'), presenceOf('@bob:test'), presenceOf('@bob:test')],
      ours: [presenceOf('@bob:test')],
    },
    { difference: 'no-own-presence-on-join', native: [join, presenceOf(me)], ours: [join] },
    { difference: 'events-before-a-leave', native: [leave], ours: [aMessage('1'), leave] },
    { difference: 'events-before-a-join', native: [join], ours: [aMessage('1'), join] },
    {
      difference: 'invites-carry-state',
      native: [invite],
      ours: [{ ...invite, invite_room_state: state }],
    },
    {
      difference: 'invites-carry-state',
      native: [{ ...knock, unsigned: {} }],
      ours: [{ ...knock, unsigned: { knock_room_state: state } }],
    },
    { difference: 'synthetic-invite-id', native: [knock], ours: [{ ...knock, event_id: '$made-up' }] },
    { difference: 'no-invites-of-ignored-users', native: [invite], ours: [] },
    {
      difference: 'order-across-rooms',
      native: [aMessage('1'), aMessage('2', '!b')],
      ours: [aMessage('2', '!b'), aMessage('1')],
    },
  ])('$difference -> recognised', (given) => {
    const { unnamed, gone, counts } = compareChunks(given);
    expect(unnamed).toEqual([]);
    expect(gone).toEqual([]);
    expect(counts.get(given.difference)).toBeGreaterThan(0);
  });

  test.each<Case & { name: string }>([
    {
      name: 'an own membership that is not there at all',
      difference: 'own-membership-once',
      native: [join],
      ours: [],
    },
    {
      name: 'a message twice',
      difference: 'own-membership-once',
      native: [aMessage('1'), aMessage('1')],
      ours: [aMessage('1')],
    },
    {
      name: 'what we give twice',
      difference: 'own-membership-once',
      native: [join],
      ours: [join, join],
    },
    {
      name: 'presence that is not there at all',
      difference: 'presence-once',
      native: [presenceOf('@bob:test')],
      ours: [],
    },
    {
      name: 'own presence without a join',
      difference: 'no-own-presence-on-join',
      native: [presenceOf(me)],
      ours: [],
    },
    {
      name: "somebody else's presence on a join",
      difference: 'no-own-presence-on-join',
      native: [join, presenceOf('@bob:test')],
      ours: [join],
    },
    {
      name: 'more events of a room that was not left',
      difference: 'events-before-a-leave',
      native: [leave],
      ours: [aMessage('1', '!b'), leave],
    },
    {
      name: 'an event behind the join',
      difference: 'events-before-a-join',
      native: [join],
      ours: [join, aMessage('1')],
    },
    {
      name: 'another content of an invite',
      difference: 'synthetic-invite-id',
      native: [invite],
      ours: [{ ...invite, content: { membership: 'invite', displayname: 'Me' } }],
    },
    {
      name: 'another id of a message',
      difference: 'synthetic-invite-id',
      native: [aMessage('1')],
      ours: [{ ...aMessage('1'), sender: '@bob:test' }],
    },
    {
      name: 'a knock that is missing',
      difference: 'no-invites-of-ignored-users',
      native: [knock],
      ours: [],
    },
    {
      name: 'the order in a room',
      difference: 'order-across-rooms',
      native: [aMessage('1'), aMessage('2')],
      ours: [aMessage('2'), aMessage('1')],
    },
  ])('$name -> not taken for "$difference"', (given) => {
    const { unnamed } = compareChunks(given);
    expect(unnamed).not.toEqual([]);
  });
});

describe('in an initial sync', () => {
  const invited: Json = { room_id: '!i', membership: 'invite', inviter: '@bob:test', invite };
  const arrays = { messages: { chunk: [], start: 's', end: 's' }, state: [], account_data: [] };
  const joined = (...chunk: Json[]): Json => ({
    ...arrays,
    room_id: '!a',
    membership: 'join',
    messages: { chunk, start: 't', end: 's' },
  });
  const withState = (...events: Json[]): Json => ({ ...joined(), state: events });
  const aliases = { type: 'm.room.aliases', state_key: 'test', content: { aliases: [] } };

  function compareRooms(native: Json, ours: Json, difference: RecognisedId) {
    const answers = { userId: me, native: { rooms: [native] }, ours: { rooms: [ours] } };
    return compare('initialSync', answers, expectedDifferences([difference]));
  }

  test.each<{ difference: RecognisedId; native: Json; ours: Json }>([
    {
      difference: 'invites-carry-state',
      native: invited,
      ours: { ...invited, invite: { ...invite, invite_room_state: state } },
    },
    { difference: 'invited-rooms-have-lists', native: invited, ours: { ...invited, ...arrays } },
    {
      difference: 'full-chunks',
      native: joined(aMessage('2')),
      ours: joined(aMessage('1'), aMessage('2')),
    },
    { difference: 'full-chunks', native: joined(), ours: joined(aMessage('1')) },
    { difference: 'no-aliases-in-the-state', native: withState(aliases), ours: withState() },
    {
      difference: 'raw-invites-are-legacy',
      native: { ...invited, invite: { ...invite, depth: 3 } },
      ours: { ...invited, invite: { ...invite, user_id: '@bob:test' } },
    },
  ])('$difference -> recognised', ({ difference, native, ours }) => {
    const { unnamed, gone } = compareRooms(native, ours, difference);
    expect({ unnamed, gone }).toEqual({ unnamed: [], gone: [] });
  });

  test.each<{ name: string; difference: RecognisedId; native: Json; ours: Json }>([
    {
      name: 'a joined room without messages',
      difference: 'invited-rooms-have-lists',
      native: { room_id: '!a', membership: 'join' },
      ours: { room_id: '!a', membership: 'join', ...arrays },
    },
    {
      name: 'an invited room with messages in it',
      difference: 'invited-rooms-have-lists',
      native: invited,
      ours: { ...invited, messages: { chunk: [aMessage('1')], start: 's', end: 's' } },
    },
    {
      name: 'a newer event than native has',
      difference: 'full-chunks',
      native: joined(aMessage('1')),
      ours: joined(aMessage('1'), aMessage('2')),
    },
    {
      name: 'an event that only native has',
      difference: 'full-chunks',
      native: joined(aMessage('1'), aMessage('2')),
      ours: joined(aMessage('2')),
    },
    {
      name: 'other state that is missing',
      difference: 'no-aliases-in-the-state',
      native: withState({ ...aliases, type: 'm.room.name' }),
      ours: withState(),
    },
  ])('$name -> not taken for "$difference"', ({ difference, native, ours }) => {
    expect(compareRooms(native, ours, difference).unnamed).not.toEqual([]);
  });
});
