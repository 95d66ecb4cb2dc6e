import { expect, test } from 'vitest';
import { toV1PublicRooms } from '../../src/translate/v1-public-rooms.ts';

test.each([
  { name: 'no list', given: {}, expected: { start: 'START', end: 'END', chunk: [] } },
  {
    name: 'rooms with, without and of old with aliases',
    given: {
      chunk: [{ room_id: '!1', canonical_alias: '#1' }, { room_id: '!2' }, { aliases: ['#3'] }],
      next_batch: 'n',
    },
    expected: {
      start: 'START',
      end: 'END',
      chunk: [
        { room_id: '!1', canonical_alias: '#1', aliases: ['#1'] },
        { room_id: '!2', aliases: [] },
        { aliases: ['#3'] },
      ],
      next_batch: 'n',
    },
  },
])('$name', ({ given, expected }) => {
  expect(toV1PublicRooms(given)).toEqual(expected);
  expect(toV1PublicRooms(toV1PublicRooms(given))).toEqual(expected);
});
