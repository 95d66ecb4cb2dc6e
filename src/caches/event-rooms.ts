import { LRUCache } from 'lru-cache';
import type { EventId, RoomId } from '../matrix/identifiers.ts';

/** Which room an event is in, as far as the gateway has seen it: it says where to ask, never what the answer is. */
export interface EventRooms {
  roomOf(eventId: EventId): RoomId | undefined;
  note(eventId: EventId | undefined, roomId: RoomId): void;
  /** Rooms → the same, the most recently noted first; rooms of which nothing was seen come last, in their order. */
  byActivity(rooms: readonly RoomId[]): RoomId[];
}

/** Events of one room that were noted one after the other. */
interface Batch {
  roomId: RoomId;
  /** Each between line breaks, in one text: as texts of their own they would take twice as much. */
  eventIds: string;
}

/** What a batch costs beside its ids: a room id and the cache's own links. */
const BYTES_PER_BATCH = 320;
const EVENTS_PER_BATCH = 100;
const MOST_ROOMS = 50_000;

/**
 * The memory of event → room, bounded in bytes, fed by everything that is translated.
 *
 * Events are noted all the time, a hundred thousand in one catch-up, and looked up once in a long while. So noting one
 * costs next to nothing, and looking one up goes through all that is remembered, the newest first.
 */
export function createEventRooms(options: { maxBytes: number }): EventRooms {
  const batches = new LRUCache<number, Batch>({
    maxSize: Math.max(1, Math.floor(options.maxBytes)),
    sizeCalculation: ({ eventIds }) => BYTES_PER_BATCH + eventIds.length,
  });
  const lastNoted = new LRUCache<RoomId, number>({ max: MOST_ROOMS });
  let serial = 0;
  let open: { roomId: RoomId; eventIds: EventId[] } | undefined;

  function openBatch(roomId: RoomId): EventId[] {
    if (open !== undefined) batches.set(serial, { roomId: open.roomId, eventIds: textOf(open.eventIds) });
    serial += 1;
    open = { roomId, eventIds: [] };
    lastNoted.set(roomId, serial);
    return open.eventIds;
  }

  return {
    roomOf: (eventId) => {
      if (open?.eventIds.includes(eventId) === true) return open.roomId;
      const wanted = textOf([eventId]);
      for (const { roomId, eventIds } of batches.values()) if (eventIds.includes(wanted)) return roomId;
      return undefined;
    },
    note: (eventId, roomId) => {
      if (eventId === undefined) return;
      const isFitting = open?.roomId === roomId && open.eventIds.length < EVENTS_PER_BATCH;
      const eventIds = isFitting && open !== undefined ? open.eventIds : openBatch(roomId);
      eventIds.push(eventId);
    },
    byActivity: (unordered) => {
      const lastOf = (roomId: RoomId) => lastNoted.peek(roomId) ?? 0;
      return unordered.toSorted((a, b) => lastOf(b) - lastOf(a));
    },
  };
}

const textOf = (eventIds: readonly EventId[]): string => `\n${eventIds.join('\n')}\n`;
