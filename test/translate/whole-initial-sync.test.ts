import { describe, expect, test } from 'vitest';
import type { RoomId, SyncToken } from '../../src/matrix/identifiers.ts';
import type { RoomUpdate, SyncResponse } from '../../src/matrix/sync.ts';
import { readUpdate } from '../support/read-update.ts';

const pushRules = { events: [{ type: 'm.push_rules', content: {} }] };
const created = { events: [{ type: 'm.room.create' }] } as RoomUpdate['timeline'];
const said = { events: [{ type: 'm.room.message' }] } as RoomUpdate['timeline'];

const answer = (rooms: RoomUpdate[], accountData = pushRules): SyncResponse => ({
  next_batch: 's1' as SyncToken,
  account_data: accountData,
  rooms: { join: Object.fromEntries(rooms.map((room, i) => [`!${i}:a` as RoomId, room])) },
});

describe('everything from the beginning', () => {
  test.each<{ name: string; given: SyncResponse; expected: boolean }>([
    {
      name: 'push rules, a short room and a long one',
      given: answer([{ timeline: created }, { timeline: { ...said, limited: true } }]),
      expected: true,
    },
    {
      name: 'push rules, creations in the state',
      given: answer([{ timeline: said, state: created }]),
      expected: true,
    },
    { name: 'push rules changed while somebody talks', given: answer([{ timeline: said }]), expected: false },
    {
      name: 'push rules changed, one room joined, another goes on',
      given: answer([{ timeline: created }, { timeline: said }]),
      expected: false,
    },
    { name: 'push rules alone', given: answer([]), expected: false },
    {
      name: 'a room that was joined',
      given: answer([{ timeline: created }], { events: [] }),
      expected: false,
    },
    { name: 'nothing', given: { next_batch: 's1' as SyncToken }, expected: false },
    {
      name: 'nulls',
      given: { next_batch: 's1' as SyncToken, account_data: null, rooms: null },
      expected: false,
    },
  ])('$name -> $expected', ({ given, expected }) => {
    expect(readUpdate(given).isInitial).toBe(expected);
  });
});
