import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compare, type NamedDifference } from '../../src/operate/compare.ts';
import * as differences from '../../src/operate/named-differences.ts';

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
  difference: NamedDifference;
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
    [difference],
  );

describe('in a stream', () => {
  test.each<Case>([
    { difference: differences.OWN_MEMBERSHIP_ONCE, native: [join, join], ours: [join] },
    {
      difference: differences.PRESENCE_ONCE,
      native: [presenceOf('@bob:test'), presenceOf('@bob:test'), presenceOf('@bob:test')],
      ours: [presenceOf('@bob:test')],
    },
    { difference: differences.OWN_PRESENCE_ON_JOIN, native: [join, presenceOf(me)], ours: [join] },
    { difference: differences.BEFORE_THE_LEAVE, native: [leave], ours: [aMessage('1'), leave] },
    { difference: differences.BEFORE_THE_JOIN, native: [join], ours: [aMessage('1'), join] },
    {
      difference: differences.INVITES_CARRY_STATE,
      native: [invite],
      ours: [{ ...invite, invite_room_state: state }],
    },
    {
      difference: differences.INVITES_CARRY_STATE,
      native: [{ ...knock, unsigned: {} }],
      ours: [{ ...knock, unsigned: { knock_room_state: state } }],
    },
    { difference: differences.MADE_UP_EVENT_ID, native: [knock], ours: [{ ...knock, event_id: '$made-up' }] },
    { difference: differences.INVITES_OF_THE_IGNORED, native: [invite], ours: [] },
    {
      difference: differences.ORDER_ACROSS_ROOMS,
      native: [aMessage('1'), aMessage('2', '!b')],
      ours: [aMessage('2', '!b'), aMessage('1')],
    },
  ])('$difference.name -> recognised', (given) => {
    const { unnamed, gone, counts } = compareChunks(given);
    expect(unnamed).toEqual([]);
    expect(gone).toEqual([]);
    expect(counts.get(given.difference.name)).toBeGreaterThan(0);
  });

  test.each<Case & { name: string }>([
    {
      name: 'an own membership that is not there at all',
      difference: differences.OWN_MEMBERSHIP_ONCE,
      native: [join],
      ours: [],
    },
    {
      name: 'a message twice',
      difference: differences.OWN_MEMBERSHIP_ONCE,
      native: [aMessage('1'), aMessage('1')],
      ours: [aMessage('1')],
    },
    {
      name: 'what we give twice',
      difference: differences.OWN_MEMBERSHIP_ONCE,
      native: [join],
      ours: [join, join],
    },
    {
      name: 'presence that is not there at all',
      difference: differences.PRESENCE_ONCE,
      native: [presenceOf('@bob:test')],
      ours: [],
    },
    {
      name: 'own presence without a join',
      difference: differences.OWN_PRESENCE_ON_JOIN,
      native: [presenceOf(me)],
      ours: [],
    },
    {
      name: "somebody else's presence on a join",
      difference: differences.OWN_PRESENCE_ON_JOIN,
      native: [join, presenceOf('@bob:test')],
      ours: [join],
    },
    {
      name: 'more events of a room that was not left',
      difference: differences.BEFORE_THE_LEAVE,
      native: [leave],
      ours: [aMessage('1', '!b'), leave],
    },
    {
      name: 'an event behind the join',
      difference: differences.BEFORE_THE_JOIN,
      native: [join],
      ours: [join, aMessage('1')],
    },
    {
      name: 'another content of an invite',
      difference: differences.MADE_UP_EVENT_ID,
      native: [invite],
      ours: [{ ...invite, content: { membership: 'invite', displayname: 'Me' } }],
    },
    {
      name: 'another id of a message',
      difference: differences.MADE_UP_EVENT_ID,
      native: [aMessage('1')],
      ours: [{ ...aMessage('1'), sender: '@bob:test' }],
    },
    {
      name: 'a knock that is missing',
      difference: differences.INVITES_OF_THE_IGNORED,
      native: [knock],
      ours: [],
    },
    {
      name: 'the order in a room',
      difference: differences.ORDER_ACROSS_ROOMS,
      native: [aMessage('1'), aMessage('2')],
      ours: [aMessage('2'), aMessage('1')],
    },
  ])('$name -> not taken for "$difference.name"', (given) => {
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

  function compareRooms(native: Json, ours: Json, difference: NamedDifference) {
    const answers = { userId: me, native: { rooms: [native] }, ours: { rooms: [ours] } };
    return compare('initialSync', answers, [difference]);
  }

  test.each<{ difference: NamedDifference; native: Json; ours: Json }>([
    {
      difference: differences.INVITES_CARRY_STATE,
      native: invited,
      ours: { ...invited, invite: { ...invite, invite_room_state: state } },
    },
    { difference: differences.INVITED_ROOMS_HAVE_ARRAYS, native: invited, ours: { ...invited, ...arrays } },
    {
      difference: differences.CHUNKS_ARE_FILLED,
      native: joined(aMessage('2')),
      ours: joined(aMessage('1'), aMessage('2')),
    },
    { difference: differences.CHUNKS_ARE_FILLED, native: joined(), ours: joined(aMessage('1')) },
    { difference: differences.ALIASES_ARE_NOT_STATE, native: withState(aliases), ours: withState() },
    {
      difference: differences.RAW_INVITES_ARE_NOT,
      native: { ...invited, invite: { ...invite, depth: 3 } },
      ours: { ...invited, invite: { ...invite, user_id: '@bob:test' } },
    },
  ])('$difference.name -> recognised', ({ difference, native, ours }) => {
    const { unnamed, gone } = compareRooms(native, ours, difference);
    expect({ unnamed, gone }).toEqual({ unnamed: [], gone: [] });
  });

  test.each<{ name: string; difference: NamedDifference; native: Json; ours: Json }>([
    {
      name: 'a joined room without messages',
      difference: differences.INVITED_ROOMS_HAVE_ARRAYS,
      native: { room_id: '!a', membership: 'join' },
      ours: { room_id: '!a', membership: 'join', ...arrays },
    },
    {
      name: 'an invited room with messages in it',
      difference: differences.INVITED_ROOMS_HAVE_ARRAYS,
      native: invited,
      ours: { ...invited, messages: { chunk: [aMessage('1')], start: 's', end: 's' } },
    },
    {
      name: 'a newer event than native has',
      difference: differences.CHUNKS_ARE_FILLED,
      native: joined(aMessage('1')),
      ours: joined(aMessage('1'), aMessage('2')),
    },
    {
      name: 'an event that only native has',
      difference: differences.CHUNKS_ARE_FILLED,
      native: joined(aMessage('1'), aMessage('2')),
      ours: joined(aMessage('2')),
    },
    {
      name: 'other state that is missing',
      difference: differences.ALIASES_ARE_NOT_STATE,
      native: withState({ ...aliases, type: 'm.room.name' }),
      ours: withState(),
    },
  ])('$name -> not taken for "$difference.name"', ({ difference, native, ours }) => {
    expect(compareRooms(native, ours, difference).unnamed).not.toEqual([]);
  });
});

test('the name of each -> an entry in docs/endpoints.md', () => {
  const docs = readFileSync(new URL('../../docs/endpoints.md', import.meta.url), 'utf8');
  const names = Object.values(differences).map(({ name }) => name);
  expect(names.filter((name) => !docs.includes(`- **${name}**.`))).toEqual([]);
});
