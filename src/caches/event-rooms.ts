import { LRUCache } from 'lru-cache';
import type { EventId, RoomId } from '../matrix/identifiers.ts';

/** Which room an event is in, as far as the gateway has seen it: it says where to ask, never what the answer is. */
export interface EventRooms {
  roomOf(eventId: EventId): RoomId | undefined;
  note(eventId: EventId | undefined, roomId: RoomId): void;
  /** Rooms → the same, the most recently noted first; rooms of which nothing was seen come last, in their order. */
  byActivity(rooms: readonly RoomId[]): RoomId[];
}

/** About what an entry costs: two ids and the cache's own links. */
const BYTES_PER_EVENT = 320;
const MOST_ROOMS = 50_000;

/** The memory of event → room, bounded in bytes, fed by everything that is translated. */
export function createEventRooms(options: { maxBytes: number }): EventRooms {
  const rooms = new LRUCache<EventId, RoomId>({
    max: Math.max(1, Math.floor(options.maxBytes / BYTES_PER_EVENT)),
  });
  const lastNoted = new LRUCache<RoomId, number>({ max: MOST_ROOMS });
  let turn = 0;
  let newest: RoomId | undefined;
  return {
    roomOf: (eventId) => rooms.get(eventId),
    note: (eventId, roomId) => {
      if (eventId === undefined) return;
      rooms.set(eventId, roomId);
      // Events come room by room, and there may be very many.
      if (roomId === newest) return;
      newest = roomId;
      lastNoted.set(roomId, (turn += 1));
    },
    byActivity: (unordered) => {
      const lastOf = (roomId: RoomId) => lastNoted.peek(roomId) ?? 0;
      return unordered.toSorted((a, b) => lastOf(b) - lastOf(a));
    },
  };
}
