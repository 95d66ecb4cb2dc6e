// The snapshot of one room and the single event, compared.

import { describe, expect, test } from 'vitest';
import { compare } from '../../src/operate/compare.ts';
import { expectedDifferences, type RecognisedId } from '../../src/operate/differences.ts';

type Json = Record<string, unknown>;

const aMessage = { type: 'm.room.message', event_id: '$said', room_id: '!a', age: 5, unsigned: { age: 5 } };
const aName = { type: 'm.room.name', state_key: '', event_id: '$name', content: { name: 'N' } };
const aTopic = { type: 'm.room.topic', state_key: '', event_id: '$topic', content: { topic: 'T' } };
const receiptFor = (eventId: string): Json => ({
  type: 'm.receipt',
  room_id: '!a',
  content: { [eventId]: { 'm.read': { '@bob:test': { ts: 1 } } } },
});
const presence = {
  type: 'm.presence',
  content: { user_id: '@bob:test', presence: 'online', last_active_ago: 7 },
};
const snapshot: Json = {
  room_id: '!a',
  membership: 'join',
  messages: { start: 't1', end: 's1', chunk: [aMessage] },
  state: [aName, aTopic],
  presence: [presence],
  receipts: [receiptFor('$said')],
  account_data: [],
};

const compareRooms = (native: Json, ours: Json, expected: RecognisedId[] = []) =>
  compare('roomInitialSync', { userId: '@me:test', native, ours }, expectedDifferences(expected));

describe('a room', () => {
  test('that differs in tokens, ages and the order of its state -> is the same', () => {
    const ours = {
      ...snapshot,
      messages: { start: 't2', end: 's2', chunk: [{ ...aMessage, age: 6, unsigned: { age: 6 } }] },
      state: [aTopic, aName],
      presence: [{ ...presence, content: { ...presence.content, last_active_ago: 9 } }],
    };
    expect(compareRooms(snapshot, ours).unnamed).toEqual([]);
  });

  test('that lacks a message, its membership and a state event -> each is told', () => {
    const { membership: _membership, ...ours }: Json = {
      ...snapshot,
      messages: { start: 't1', end: 's1', chunk: [] },
      state: [aName],
    };
    const paths = compareRooms(snapshot, ours).unnamed.map(({ path }) => path.join(' '));
    expect(paths.toSorted()).toEqual(['membership', 'messages chunk $said', 'state m.room.topic ""']);
  });

  test('with older messages than Synapse has -> named; with newer ones -> not', () => {
    const anOlder = { ...aMessage, event_id: '$older' };
    const chunkOf = (...chunk: Json[]): Json => ({ ...snapshot, messages: { start: 't', end: 's', chunk } });
    const filled = compareRooms(snapshot, chunkOf(anOlder, aMessage), ['full-room-chunk']);
    expect(filled).toMatchObject({ unnamed: [], gone: [] });
    expect(compareRooms(snapshot, chunkOf(aMessage, anOlder), ['full-room-chunk']).unnamed).toHaveLength(1);
  });

  test('without presence, and with more than 50 members -> named; with fewer -> not', () => {
    const members = (count: number): Json[] =>
      Array.from({ length: count }, (_, i) => ({
        type: 'm.room.member',
        state_key: `@member-${i}:test`,
        content: { membership: 'join' },
      }));
    const without = (count: number): [Json, Json] => {
      const room = { ...snapshot, state: members(count) };
      return [room, { ...room, presence: [] }];
    };
    expect(compareRooms(...without(51), ['no-presence-in-large-rooms']).unnamed).toEqual([]);
    expect(compareRooms(...without(50), ['no-presence-in-large-rooms']).unnamed).toHaveLength(1);
  });

  test('that was left, without its account data -> named; without its tags -> not', () => {
    const leftWith = (type: string): [Json, Json] => {
      const left = { ...snapshot, membership: 'leave' };
      return [{ ...left, account_data: [{ type, content: {} }] }, left];
    };
    expect(compareRooms(...leftWith('org.example'), ['left-rooms-have-tags-only']).unnamed).toEqual([]);
    expect(compareRooms(...leftWith('m.tag'), ['left-rooms-have-tags-only']).unnamed).toHaveLength(1);
  });

  test('without a receipt for what is not in its chunk -> named; for what is in it -> not', () => {
    const without = { ...snapshot, receipts: [] };
    const old = { ...snapshot, receipts: [receiptFor('$old')] };
    expect(compareRooms(old, without, ['receipts-of-the-chunk'])).toMatchObject({ unnamed: [], gone: [] });
    expect(compareRooms(snapshot, without, ['receipts-of-the-chunk']).unnamed).toHaveLength(1);
  });

  test('without one of two events in its receipt -> named where that one is not in the chunk', () => {
    const both = { type: 'm.receipt', room_id: '!a', content: { $old: {}, $said: {} } };
    const native = { ...snapshot, receipts: [both] };
    const ours = { ...snapshot, receipts: [{ ...both, content: { $said: {} } }] };
    expect(compareRooms(native, ours, ['receipts-of-the-chunk'])).toMatchObject({ unnamed: [], gone: [] });
  });

  test('without presence and receipts -> named for who only looks, and not for a member', () => {
    const without: Json = { ...snapshot, presence: [], receipts: [] };
    expect(compareRooms(snapshot, without, ['peekers-see-no-presence']).unnamed).toHaveLength(2);
    const { membership: _native, ...native } = snapshot;
    const { membership: _ours, ...ours } = without;
    expect(compareRooms(native, ours, ['peekers-see-no-presence'])).toMatchObject({ unnamed: [], gone: [] });
  });
});

describe('a single event', () => {
  const compareEvents = (native: unknown, ours: unknown) =>
    compare('event', { userId: '@me:test', native, ours }, []).unnamed;

  test('that is older by now -> is the same', () => {
    expect(compareEvents(aMessage, { ...aMessage, age: 50, unsigned: { age: 50 } })).toEqual([]);
  });

  test('that lacks its age, or has more -> is told', () => {
    const { age: _age, ...ours } = aMessage;
    expect(compareEvents(aMessage, ours).map(({ path }) => path)).toEqual([['age']]);
    expect(compareEvents(ours, aMessage).map(({ path }) => path)).toEqual([['age']]);
  });

  test('that is an error, or a bare text -> never passes', () => {
    expect(compareEvents('Event not found.', aMessage)).not.toEqual([]);
    expect(compareEvents('Event not found.', { errcode: 'M_NOT_FOUND' })).not.toEqual([]);
  });
});
