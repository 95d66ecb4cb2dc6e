import { describe, expect, test } from 'vitest';
import { createEventRooms } from '../../src/caches/event-rooms.ts';
import type { EventId, RoomId } from '../../src/matrix/identifiers.ts';

const [a, b, c] = ['!a', '!b', '!c'] as [RoomId, RoomId, RoomId];
const [one, two] = ['$1', '$2'] as [EventId, EventId];

describe('event rooms', () => {
  test('an event that was noted -> its room; any other -> undefined', () => {
    const rooms = createEventRooms({ maxBytes: 1 << 16 });
    rooms.note(one, a);
    rooms.note(undefined, b);
    expect(rooms.roomOf(one)).toBe(a);
    expect(rooms.roomOf(two)).toBeUndefined();
  });

  test('more events than there is space for -> the oldest are forgotten', () => {
    const rooms = createEventRooms({ maxBytes: 5000 });
    const ids = Array.from({ length: 1000 }, (_, index) => `$${index}` as EventId);
    for (const id of ids) rooms.note(id, a);
    expect(rooms.roomOf(ids.at(-1) as EventId)).toBe(a);
    expect(rooms.roomOf(ids[0] as EventId)).toBeUndefined();
  });

  test('rooms that alternate -> as many events as there is space for', () => {
    const rooms = createEventRooms({ maxBytes: 20_000 });
    const ids = Array.from({ length: 20 }, (_, index) => `$${index}` as EventId);
    for (const [index, id] of ids.entries()) rooms.note(id, index % 2 === 0 ? a : b);
    expect(ids.map(rooms.roomOf)).toEqual(ids.map((_, index) => (index % 2 === 0 ? a : b)));
  });

  test('rooms by activity -> the last noted first, unknown ones last in their order', () => {
    const rooms = createEventRooms({ maxBytes: 1 << 16 });
    rooms.note(one, c);
    rooms.note(two, a);
    const given = ['!x', '!y', b, c, a] as RoomId[];
    expect(rooms.byActivity(given)).toEqual([a, c, '!x', '!y', b]);
  });
});
