import { LRUCache } from 'lru-cache';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import { createEventIndex } from './event-index.ts';
import { entriesIn } from './shares.ts';

/** This memory says which room an event is in, as far as the gateway has seen it: where to ask, never what the answer is. */
export interface EventRooms {
  roomOf(eventId: EventId): RoomId | undefined;
  note(eventId: EventId | undefined, roomId: RoomId): void;
  /** Rooms → the same, the most recently noted first; rooms of which nothing was seen come last, in their order. */
  byActivity(rooms: readonly RoomId[]): RoomId[];
  readonly bytes: number;
}

/** A room's id twice, its numbers and the links of the two memories that hold them. */
const BYTES_PER_ROOM = 400;

/**
 * Builds the memory of event → room, bounded in bytes and fed by everything that is translated.
 *
 * Events are noted all the time, a hundred thousand in one catch-up, so an event costs twenty bytes and no object.
 */
export function createEventRooms(options: { maxBytes: number; onStep?: () => void }): EventRooms {
  const { maxBytes, onStep } = options;
  const index = createEventIndex({ maxBytes: (maxBytes * 3) / 4, ...(onStep !== undefined && { onStep }) });
  const byNumber = new Map<number, RoomId>();
  const numbers = new LRUCache<RoomId, { number: number; lastNoted: number }>({
    max: entriesIn(maxBytes / 4, BYTES_PER_ROOM),
    dispose: ({ number }) => byNumber.delete(number),
  });
  // A number is given to one room only: what was noted of a forgotten one is unknown, never another room's.
  let lastNumber = 0;
  let serial = 0;
  let latest: { roomId: RoomId; number: number } | undefined;

  function numberOf(roomId: RoomId): number {
    if (latest?.roomId === roomId) return latest.number;
    serial += 1;
    const number = numbers.peek(roomId)?.number ?? (lastNumber += 1);
    byNumber.set(number, roomId);
    numbers.set(roomId, { number, lastNoted: serial }, { noDisposeOnSet: true });
    latest = { roomId, number };
    return number;
  }

  return {
    roomOf: (eventId) => {
      const number = index.get(eventId);
      return number === undefined ? undefined : byNumber.get(number);
    },
    note: (eventId, roomId) => {
      if (eventId !== undefined) index.set(eventId, numberOf(roomId));
    },
    byActivity: (unordered) => {
      const lastOf = (roomId: RoomId) => numbers.peek(roomId)?.lastNoted ?? 0;
      return unordered.toSorted((a, b) => lastOf(b) - lastOf(a));
    },
    get bytes() {
      return index.bytes + numbers.size * BYTES_PER_ROOM;
    },
  };
}
