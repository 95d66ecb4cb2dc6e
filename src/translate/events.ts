import type { ClientEvent, StrippedEvent } from '../matrix/client-event.ts';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import type { WrittenEvent } from './written-event.ts';

/** An event of a timeline, or of a page, as the homeserver wrote it; parsed only where it is written in an odd way. */
export type RoomEvent = ClientEvent | WrittenEvent;

/** A room's history as an incremental `/sync` tells it, in the order of arrival. */
export interface RoomTimeline {
  roomId: RoomId;
  timeline: readonly RoomEvent[];
  /** When each event was sent, for the order across rooms. */
  sentAt: readonly number[];
  /** Whether the timeline is all that happened since. */
  isWhole: boolean;
  /** Our own last leave, where the room is left now. */
  lastVisible?: EventId;
  /**
   * The place of our own join in the timeline, if we were not in the room before: events before it may be older than
   * the update.
   */
  joinedAt?: number;
  /** Whether our own join is among what happened. */
  hasOwnJoin?: true;
}

/** An invite or a knock of our own, of which the homeserver shows only stripped state. */
export interface PendingRoom {
  roomId: RoomId;
  membership: 'invite' | 'knock';
  strippedState: StrippedEvent[];
}

/** Presence, typing, a receipt or account data in its legacy form, as JSON text. */
export interface WrittenEphemeral {
  type: string;
  /** The room's id, where the event belongs to a room. */
  roomId?: RoomId;
  bytes: Buffer;
}

/** The part of an incremental `/sync` that the legacy stream has as well. */
export interface StreamUpdate {
  /** Rooms with history, in the order of their ids. */
  rooms: readonly RoomTimeline[];
  pendingRooms: readonly PendingRoom[];
  /** Presence, typing, receipts and account data, in the order that Synapse gives them in. */
  ephemeral: readonly WrittenEphemeral[];
}

/** Tells whether nothing of an update would show: such an answer wakes no legacy poll. */
export function isSilent({ rooms, pendingRooms, ephemeral }: StreamUpdate): boolean {
  return rooms.length === 0 && pendingRooms.length === 0 && ephemeral.length === 0;
}

/** An update → how many room events its timelines hold. */
export function countRoomEvents({ rooms }: StreamUpdate): number {
  return rooms.reduce((count, { timeline }) => count + timeline.length, 0);
}

/**
 * Merges timelines into one list, oldest first, each room in its own order.
 *
 * Differs: order-across-rooms
 */
export function mergeTimelines(rooms: readonly RoomTimeline[]): { roomId: RoomId; event: RoomEvent }[] {
  const all = rooms.flatMap(({ roomId, timeline, sentAt }) => {
    // Whatever its timestamp, an event comes behind those before it in its room.
    let at = -Infinity;
    return timeline.map((event, index) => {
      at = Math.max(at, sentAt[index] ?? 0);
      return { roomId, event, at };
    });
  });
  return all.toSorted((a, b) => a.at - b.at).map(({ roomId, event }) => ({ roomId, event }));
}
