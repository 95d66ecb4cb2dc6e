// What lies between two sync tokens and does not fit into one answer, given room by room in the order of room ids.
// A remainder is a value: what is left to give after some answer. It is either at hand (session-cursors.ts) or built
// anew from a catch-up token, and reading on from either gives the same events.

import type { IntervalPage, PageMemo, PageReading, RoomInterval } from '../homeserver/kinds/kind.ts';
import type { ClientEvent } from '../matrix/client-event.ts';
import { HomeserverError, isTransient } from '../matrix/errors.ts';
import type { EventId, MessagesToken, RoomId, SyncToken } from '../matrix/identifiers.ts';
import type { RoomTimeline } from '../translate/events.ts';
import { encodeCatchUpToken, type CatchUpPosition } from './stream-position.ts';

/** How far the room in progress was read. */
export interface Reading {
  /** The last event given of it, and the start of the page that held it (null: where the interval starts). */
  given?: { page: MessagesToken | null; eventId: EventId };
  /** The start of the page in hand, or of the one to read. */
  page: MessagesToken | null;
  /** The page in hand less what was given of it; absent until it is read. */
  pending?: readonly ClientEvent[];
  next?: MessagesToken;
  /** What the page read last made known for the next one. */
  memo?: PageMemo;
}

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

/** Some events of one room, oldest first, and what is left after them. */
export interface Step {
  roomId: RoomId;
  events: readonly ClientEvent[];
  remainder: Remainder;
}

/** How a catch-up reads the homeserver, and whom it tells of rooms that cannot be read. */
export interface IntervalSource {
  readPage(interval: RoomInterval, page: MessagesToken | null, options: PageReading): Promise<IntervalPage>;
  /** Whether a room failed so often that it is treated as one that refuses. */
  isGivenUp(roomId: RoomId): boolean;
  onRefused?(roomId: RoomId): void;
  onFailure?(roomId: RoomId): void;
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
  const rooms = changedRooms
    .filter((room) => room.roomId > roomId || (room.roomId === roomId && lastEventId !== null))
    .map((room) => ({ ...room, timeline: [], isWhole: false }));
  if (lastEventId === null) return { from, to, done: roomId, rooms };
  // The room may have gone from /sync since, when the caller forgot it.
  if (rooms[0]?.roomId !== roomId) return { from, to, done: roomId, rooms };
  return { from, to, rooms, reading: { given: { page, eventId: lastEventId }, page } };
}

/**
 * Gives at most `limit` events of a remainder, a page or a timeline at a time; returns what is left in the end.
 *
 * A room is read from one source only: its timeline where that is whole and fits, else `/messages`. `/sync` orders by
 * arrival and `/messages` by depth, so a cut in one that is continued in the other would lose events.
 * The next page is fetched while the last one is being written; ending the iteration aborts what is under way.
 * A room that refuses (403, 404) gives what its timeline held. Any other failure is thrown, before that room's events.
 *
 * @see design §5
 */
export async function* readCatchUp(
  start: Remainder,
  limit: number,
  source: IntervalSource,
  signal: AbortSignal,
): AsyncGenerator<Step, Remainder> {
  const ended = new AbortController();
  const pages = createPageReader(start, source, AbortSignal.any([signal, ended.signal]));
  let remainder = start;
  let left = limit;
  try {
    for (let room = start.rooms[0]; room !== undefined && left > 0; room = remainder.rooms[0]) {
      const reading = await pages.readRoom(room, remainder.reading, left);
      const events = reading.pending?.slice(0, left) ?? [];
      left -= events.length;
      remainder = afterGiving(remainder, room.roomId, reading, events);
      if (left > 0) pages.readAhead(remainder, left);
      if (events.length > 0) yield { roomId: room.roomId, events, remainder };
    }
    return remainder;
  } finally {
    ended.abort();
  }
}

function afterGiving(
  { from, to, done, rooms }: Remainder,
  roomId: RoomId,
  reading: Reading,
  events: readonly ClientEvent[],
): Remainder {
  const pending = reading.pending?.slice(events.length) ?? [];
  if (pending.length === 0 && reading.next === undefined)
    return { from, to, done: roomId, rooms: rooms.slice(1) };
  const lastEventId = events.at(-1)?.event_id;
  const given = lastEventId === undefined ? reading.given : { page: reading.page, eventId: lastEventId };
  const { memo = {}, next = null } = reading;
  const nextReading: Reading = pending.length > 0 ? { ...reading, pending } : { page: next, memo };
  return {
    from,
    to,
    ...(done !== undefined && { done }),
    rooms,
    reading: { ...nextReading, ...(given !== undefined && { given }) },
  };
}

/** Reads the pages of one call, one ahead of the one that is asked for. */
function createPageReader({ from, to }: Remainder, source: IntervalSource, signal: AbortSignal) {
  let ahead: { roomId: RoomId; page: MessagesToken | null; content: Promise<IntervalPage> } | undefined;

  function readPage(roomId: RoomId, { page, memo = {} }: Reading): Promise<IntervalPage> {
    const isAhead = ahead?.roomId === roomId && ahead.page === page;
    const options = { memo, signal };
    const content =
      isAhead && ahead !== undefined ? ahead.content : source.readPage({ roomId, from, to }, page, options);
    ahead = undefined;
    return content;
  }

  async function readRoom(
    room: RoomTimeline,
    reading: Reading = { page: null },
    left: number,
  ): Promise<Reading> {
    if (reading.pending !== undefined) return reading;
    if (isGivenFromTimeline(room, reading, left)) return { ...reading, pending: visible(room.timeline) };
    try {
      if (source.isGivenUp(room.roomId)) return refused(room, reading);
      return pageInHand(room, reading, await readPage(room.roomId, reading));
    } catch (error) {
      if (isRefusal(error)) return refused(room, reading);
      if (isTransient(error)) source.onFailure?.(room.roomId);
      throw error;
    }
  }

  function refused(room: RoomTimeline, reading: Reading): Reading {
    source.onRefused?.(room.roomId);
    return { ...reading, pending: reading.given === undefined ? visible(room.timeline) : [] };
  }

  function readAhead({ rooms: [room], reading = { page: null } }: Remainder, left: number): void {
    if (room === undefined || reading.pending !== undefined || isGivenFromTimeline(room, reading, left))
      return;
    if (source.isGivenUp(room.roomId)) return;
    const content = readPage(room.roomId, reading);
    // Whoever asks for the page gets its failure; nobody may.
    content.catch(() => {});
    ahead = { roomId: room.roomId, page: reading.page, content };
  }

  return { readRoom, readAhead };
}

function isGivenFromTimeline(room: RoomTimeline, reading: Reading, left: number): boolean {
  return room.isWhole && reading.given === undefined && reading.page === null && room.timeline.length <= left;
}

function pageInHand(room: RoomTimeline, reading: Reading, { events, next, memo }: IntervalPage): Reading {
  const { given, page } = reading;
  // Where the event is gone from its page (purged meanwhile), the page is given again: repeated, not lost.
  const start = given?.page === page ? events.findIndex(({ event_id }) => event_id === given.eventId) + 1 : 0;
  const leave =
    room.lastVisible === undefined ? -1 : events.findIndex(({ event_id }) => event_id === room.lastVisible);
  const isLast = leave !== -1 || next === undefined;
  const pending = visible(events.slice(start, leave === -1 ? undefined : leave + 1));
  return {
    ...(given !== undefined && { given }),
    page,
    pending,
    ...(!isLast && { next }),
    ...(memo !== undefined && { memo }),
  };
}

/** Aliases events were never part of the legacy stream: native leaves them out too. */
function visible(events: readonly ClientEvent[]): readonly ClientEvent[] {
  return events.filter((event) => event.type !== 'm.room.aliases');
}

function isRefusal(error: unknown): boolean {
  return error instanceof HomeserverError && (error.status === 403 || error.status === 404);
}
