import { describe, expect, test } from 'vitest';
import { createEventRooms } from '../../src/caches/event-rooms.ts';
import type { EventId, RoomId } from '../../src/matrix/identifiers.ts';

const [a, b, c] = ['!a', '!b', '!c'] as [RoomId, RoomId, RoomId];
const [one, two, three] = ['$1', '$2', '$3'] as [EventId, EventId, EventId];

describe('event rooms', () => {
  test('an event that was noted -> its room; any other -> undefined', () => {
    const rooms = createEventRooms({ maxBytes: 1 << 16 });
    rooms.note(one, a);
    rooms.note(undefined, b);
    expect(rooms.roomOf(one)).toBe(a);
    expect(rooms.roomOf(two)).toBeUndefined();
  });

  test('more events than there is space for -> the oldest is forgotten', () => {
    const rooms = createEventRooms({ maxBytes: 2 * 320 });
    rooms.note(one, a);
    rooms.note(two, a);
    rooms.note(three, b);
    expect([one, two, three].map(rooms.roomOf)).toEqual([undefined, a, b]);
  });

  test('rooms by activity -> the last noted first, unknown ones last in their order', () => {
    const rooms = createEventRooms({ maxBytes: 1 << 16 });
    rooms.note(one, c);
    rooms.note(two, a);
    const given = ['!x', '!y', b, c, a] as RoomId[];
    expect(rooms.byActivity(given)).toEqual([a, c, '!x', '!y', b]);
  });
});
