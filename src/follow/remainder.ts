// What is left to give after some answer, as a value. It is either at hand (session-cursors.ts) or built anew from a
// catch-up token, and reading on from either gives the same events.

import type { PageMemo } from '../homeserver/kinds/kind.ts';
import type { EventId, MessagesToken, RoomId, SyncToken } from '../matrix/identifiers.ts';
import type { RoomEvent, RoomTimeline } from '../translate/events.ts';
import type { PageAhead } from './page-ahead.ts';
import { encodeCatchUpToken, type CatchUpPosition } from '../tokens/own-tokens.ts';

/** How far the room in progress was read. */
export interface Reading {
  /**
   * Up to where it was given: the start of a page (null: where the interval starts), and the last event given of it.
   * Without an event, all before the page was given, and it had been a long way: none of it was visible.
   */
  given?: ReadUpTo;
  /** The start of the page in hand, or of the one to read. */
  page: MessagesToken | null;
  /** The page in hand less what was given of it; absent until it is read. */
  pending?: readonly RoomEvent[];
  next?: MessagesToken;
  /** The page to read next, where it is on its way already. */
  ahead?: Promise<PageAhead>;
  /** What the page read last made known for the next one. */
  memo?: PageMemo;
}

export type ReadUpTo =
  { page: MessagesToken | null; eventId: EventId } | { page: MessagesToken; eventId: null };

/** What is left of an interval. */
export interface Remainder {
  from: SyncToken;
  to: SyncToken;
  /** The last room of which all was given. */
  done?: RoomId;
  /** The rooms to read, in the order of their ids; the first one is in progress where there is a `reading`. */
  rooms: readonly RoomTimeline[];
  reading?: Reading;
}

/** Remainder → where the client goes on: the interval's end once nothing is left, else a catch-up token. */
export function tokenOf({ from, to, done, rooms, reading }: Remainder): string {
  const [room] = rooms;
  if (room === undefined) return to;
  if (reading?.given !== undefined) {
    const { page, eventId } = reading.given;
    return encodeCatchUpToken({ from, to, roomId: room.roomId, page, lastEventId: eventId });
  }
  return done === undefined
    ? from
    : encodeCatchUpToken({ from, to, roomId: done, page: null, lastEventId: null });
}

/**
 * Catch-up token and the rooms that changed since its `from` (any superset will do) → what is left.
 *
 * The rooms' timelines are not used: they may hold what happened after `to`.
 */
export function remainderAt(position: CatchUpPosition, changedRooms: readonly RoomTimeline[]): Remainder {
  const { from, to, roomId, page, lastEventId } = position;
  const isDone = page === null && lastEventId === null;
  const rooms = changedRooms
    .filter((room) => room.roomId > roomId || (room.roomId === roomId && !isDone))
    .map((room): RoomTimeline => ({ ...room, timeline: [], sentAt: [], isWhole: false }));
  // The room may have gone from /sync since, when the caller forgot it.
  if (isDone || rooms[0]?.roomId !== roomId) return { from, to, done: roomId, rooms };
  return { from, to, rooms, reading: { given: { page, eventId: lastEventId } as ReadUpTo, page } };
}

/** A remainder, less some events of its first room. */
export function afterGiving(
  { from, to, done, rooms }: Remainder,
  roomId: RoomId,
  reading: Reading,
  events: readonly RoomEvent[],
): Remainder {
  const pending = reading.pending?.slice(events.length) ?? [];
  if (pending.length === 0 && reading.next === undefined)
    return { from, to, done: roomId, rooms: rooms.slice(1) };
  const { memo = {}, next = null, ahead } = reading;
  const given = givenAfter(reading, events);
  const nextReading: Reading =
    pending.length > 0
      ? { ...reading, pending }
      : { page: next, memo, ...(ahead !== undefined && { ahead }) };
  return {
    from,
    to,
    ...(done !== undefined && { done }),
    rooms,
    reading: { ...nextReading, ...(given !== undefined && { given }) },
  };
}

/** Behind a page that shows nothing, the next one's start is where the reading is; else it is the last event given. */
function givenAfter({ given, page, next }: Reading, events: readonly RoomEvent[]): ReadUpTo | undefined {
  const lastEventId = events.at(-1)?.event_id;
  if (lastEventId !== undefined) return { page, eventId: lastEventId };
  return events.length > 0 || next === undefined ? given : { page: next, eventId: null };
}
