import fc from 'fast-check';
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

  test('an event that is noted again, in another room -> the later one', () => {
    const rooms = createEventRooms({ maxBytes: 1 << 16 });
    rooms.note(one, a);
    rooms.note(one, b);
    expect(rooms.roomOf(one)).toBe(b);
  });

  test('any events in any order -> those that there is space for, the newest, are known', () => {
    const maxBytes = 16 * 1024;
    // Three quarters of it, 20 bytes each.
    const capacity = Math.floor((maxBytes * 3) / 4 / 20);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 900 }), fc.nat({ max: 5 })), {
          minLength: 1,
          maxLength: 3 * capacity,
        }),
        (noted) => {
          const rooms = createEventRooms({ maxBytes });
          const expected = new Map<number, number>();
          for (const [event, room] of noted) {
            if (!expected.has(event) && expected.size === capacity) {
              const [oldest] = expected.keys();
              expected.delete(oldest as number);
            }
            expected.set(event, room);
            rooms.note(`$event-${event}:test` as EventId, `!${room}` as RoomId);
          }
          for (let event = 0; event <= 900; event += 1) {
            const room = expected.get(event);
            expect(rooms.roomOf(`$event-${event}:test` as EventId)).toBe(
              room === undefined ? undefined : `!${room}`,
            );
          }
          expect(rooms.bytes).toBeLessThanOrEqual(maxBytes);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('many events and an unknown one -> it is looked for in a few steps, however many there are', () => {
    const stepsAmong = (events: number): number => {
      let steps = 0;
      const rooms = createEventRooms({ maxBytes: 1 << 24, onStep: () => (steps += 1) });
      for (let i = 0; i < events; i += 1) rooms.note(`$${i}:test` as EventId, a);
      steps = 0;
      for (let i = 0; i < 1000; i += 1) rooms.roomOf(`$unknown-${i}` as EventId);
      return steps / 1000;
    };
    // An entry a bucket on average.
    expect(stepsAmong(10_000)).toBeLessThan(2);
    expect(stepsAmong(400_000)).toBeLessThan(2);
  });

  test('events of ever new rooms -> rooms are forgotten, within the bound, and none is taken for another', () => {
    const maxBytes = 64 * 1024;
    const rooms = createEventRooms({ maxBytes });
    for (let i = 0; i < 2000; i += 1) rooms.note(`$${i}` as EventId, `!${i}` as RoomId);
    expect(rooms.bytes).toBeLessThanOrEqual(maxBytes);
    for (let i = 0; i < 2000; i += 1)
      expect([undefined, `!${i}`]).toContain(rooms.roomOf(`$${i}` as EventId));
    expect(rooms.roomOf('$1999' as EventId)).toBe('!1999');
  });

  test('an id longer than Matrix allows -> is not remembered', () => {
    const rooms = createEventRooms({ maxBytes: 1 << 16 });
    const long = `$${'x'.repeat(255)}` as EventId;
    rooms.note(long, a);
    expect(rooms.roomOf(long)).toBeUndefined();
  });

  test('rooms by activity -> the last noted first, unknown ones last in their order', () => {
    const rooms = createEventRooms({ maxBytes: 1 << 16 });
    rooms.note(one, c);
    rooms.note(two, a);
    const given = ['!x', '!y', b, c, a] as RoomId[];
    expect(rooms.byActivity(given)).toEqual([a, c, '!x', '!y', b]);
  });
});
