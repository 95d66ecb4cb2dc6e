// What is left to give after some answer, as a value. It is either at hand (session-cursors.ts) or built anew from a
// catch-up token, and reading on from either gives the same events.

import type { PageMemo } from '../homeserver/kinds/kind.ts';
import type { EventId, MessagesToken, RoomId, SyncToken } from '../matrix/identifiers.ts';
import type { RoomEvent, RoomTimeline } from '../translate/events.ts';
import type { PageAhead } from './page-ahead.ts';
import { encodeCatchUpToken, type CatchUpPosition } from '../tokens/own-tokens.ts';

/** Tells how far the room in progress was read. */
export interface RoomProgress {
  /**
   * The place up to which it was given: the start of a page (null: the interval's start), and the last event given of
   * that page. Without an event all before the page was given, a long way of which nothing was visible.
   */
  given?: ReadUpTo;
  /** The start of the page in hand, or of the one to read. */
  page: MessagesToken | null;
  /** The page in hand less what was given of it; absent until it is read. */
  pending?: readonly RoomEvent[];
  next?: MessagesToken;
  /** The page to read next, where it is on its way already. */
  ahead?: Promise<PageAhead>;
  /** Facts that the page read last made known for the next one. */
  memo?: PageMemo;
}

export type ReadUpTo =
  { page: MessagesToken | null; eventId: EventId } | { page: MessagesToken; eventId: null };

/** A remainder is what is left of an interval. */
export interface Remainder {
  from: SyncToken;
  to: SyncToken;
  /** The last room of which all was given. */
  done?: RoomId;
  /** The rooms to read, in the order of their ids; the first one is in progress where there is a `progress`. */
  rooms: readonly RoomTimeline[];
  progress?: RoomProgress;
}

/** Returns the token with which the client goes on: the interval's end once nothing is left, else a catch-up token. */
export function tokenOf({ from, to, done, rooms, progress }: Remainder): string {
  const [room] = rooms;
  if (room === undefined) return to;
  if (progress?.given !== undefined) {
    const { page, eventId } = progress.given;
    return encodeCatchUpToken({ from, to, roomId: room.roomId, page, lastEventId: eventId });
  }
  return done === undefined
    ? from
    : encodeCatchUpToken({ from, to, roomId: done, page: null, lastEventId: null });
}

/**
 * Builds the remainder anew from a catch-up token and the rooms that changed since its `from` (any superset will do).
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
  return { from, to, rooms, progress: { given: { page, eventId: lastEventId } as ReadUpTo, page } };
}

/** Takes some events of the first room away from a remainder. */
export function afterGiving(
  { from, to, done, rooms }: Remainder,
  roomId: RoomId,
  progress: RoomProgress,
  events: readonly RoomEvent[],
): Remainder {
  const pending = progress.pending?.slice(events.length) ?? [];
  if (pending.length === 0 && progress.next === undefined)
    return { from, to, done: roomId, rooms: rooms.slice(1) };
  const { memo = {}, next = null, ahead } = progress;
  const given = givenAfter(progress, events);
  const nextProgress: RoomProgress =
    pending.length > 0
      ? { ...progress, pending }
      : { page: next, memo, ...(ahead !== undefined && { ahead }) };
  return {
    from,
    to,
    ...(done !== undefined && { done }),
    rooms,
    progress: { ...nextProgress, ...(given !== undefined && { given }) },
  };
}

/**
 * Returns the place up to which the room was given: behind a page that shows nothing the start of the next one, else
 * the last event given.
 */
function givenAfter({ given, page, next }: RoomProgress, events: readonly RoomEvent[]): ReadUpTo | undefined {
  const lastEventId = events.at(-1)?.event_id;
  if (lastEventId !== undefined) return { page, eventId: lastEventId };
  return events.length > 0 || next === undefined ? given : { page: next, eventId: null };
}
