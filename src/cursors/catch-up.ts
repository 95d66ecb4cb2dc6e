// What lies between two sync tokens and does not fit into one answer, given room by room in the order of room ids.
// A remainder is a value: what is left to give after some answer. It is either at hand (session-cursors.ts) or built
// anew from a catch-up token, and reading on from either gives the same events.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { IntervalPage, PageMemo, PageReading, RoomInterval } from '../homeserver/kinds/kind.ts';
import { MessagesPage } from '../homeserver/messages-page.ts';
import type { ClientEvent } from '../matrix/client-event.ts';
import { HomeserverError, isTransient } from '../matrix/errors.ts';
import type { EventId, MessagesToken, RoomId, SyncToken } from '../matrix/identifiers.ts';
import type { RoomTimeline } from '../translate/events.ts';
import type { WrittenEvent } from '../translate/written-event.ts';
import { encodeCatchUpToken, type CatchUpPosition } from './stream-position.ts';

/** An event of a timeline, or of a page: those are not parsed. */
export type RoomEvent = ClientEvent | WrittenEvent;

/** How far the room in progress was read. */
export interface Reading {
  /** The last event given of it, and the start of the page that held it (null: where the interval starts). */
  given?: { page: MessagesToken | null; eventId: EventId };
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

/** A page, and where the one behind it is on its way already, that one. */
interface PageAhead extends IntervalPage {
  following?: Promise<PageAhead>;
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
  events: readonly RoomEvent[];
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
      remainder = pages.withPagesAhead(afterGiving(remainder, room.roomId, reading, events), left);
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
  events: readonly RoomEvent[],
): Remainder {
  const pending = reading.pending?.slice(events.length) ?? [];
  if (pending.length === 0 && reading.next === undefined)
    return { from, to, done: roomId, rooms: rooms.slice(1) };
  const lastEventId = events.at(-1)?.event_id;
  const given = lastEventId === undefined ? reading.given : { page: reading.page, eventId: lastEventId };
  const { memo = {}, next = null, ahead } = reading;
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

/** A page holds about so many events: as many pages are on their way as the answer still needs, up to a bound. */
const EVENTS_PER_PAGE = 100;
const MOST_PAGES_AHEAD = 10;
/** Behind a full answer, for a client that will be back. */
const PAGES_AHEAD_OF_THE_NEXT_ANSWER = 3;
const NEVER = new AbortController().signal;

/** Reads the pages of one answer, and a little further. */
function createPageReader({ from, to }: Remainder, source: IntervalSource, signal: AbortSignal) {
  /** Asks for what comes next: the homeserver works while the client reads. */
  function withPagesAhead(remainder: Remainder, left: number): Remainder {
    const { rooms, reading = { page: null } } = remainder;
    const [room] = rooms;
    if (room === undefined || reading.pending !== undefined || reading.ahead !== undefined) return remainder;
    // A whole timeline may yet fit into the next answer.
    const isFromTimeline = room.isWhole && (left === 0 || isGivenFromTimeline(room, reading, left));
    if (isFromTimeline || source.isGivenUp(room.roomId)) return remainder;
    const ahead =
      left > 0
        ? askAhead(
            room.roomId,
            reading,
            Math.min(Math.ceil(left / EVENTS_PER_PAGE), MOST_PAGES_AHEAD),
            signal,
          )
        : askAhead(room.roomId, reading, PAGES_AHEAD_OF_THE_NEXT_ANSWER, NEVER);
    return { ...remainder, reading: { ...reading, ahead } };
  }

  function askAhead(roomId: RoomId, reading: Reading, count: number, until: AbortSignal): Promise<PageAhead> {
    const asked = ask(roomId, reading, until).then((content): PageAhead => {
      const { next, memo = {} } = content;
      if (next === undefined || count === 1) return content;
      return { ...content, following: askAhead(roomId, { page: next, memo }, count - 1, until) };
    });
    // Whoever takes the page meets its failure; nobody may.
    asked.catch(() => {});
    return asked;
  }

  function ask(roomId: RoomId, { page, memo = {} }: Reading, until: AbortSignal): Promise<IntervalPage> {
    return source.readPage({ roomId, from, to }, page, { memo, signal: until });
  }

  /** The page as it was asked for ahead; where that failed or was given up, as if it had not been. */
  function readPage(roomId: RoomId, reading: Reading): Promise<PageAhead> {
    const fresh = (): Promise<PageAhead> => ask(roomId, reading, signal);
    return reading.ahead?.catch(fresh) ?? fresh();
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
      const page = await readPage(room.roomId, reading);
      // The page behind it was asked for when it came. Requests leave at the event loop's next turn, and until then the
      // homeserver would wait for the translation of this one.
      if (page.following !== undefined) await nextTurn();
      return pageInHand(room, reading, page);
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

  return { readRoom, withPagesAhead };
}

function isGivenFromTimeline(room: RoomTimeline, reading: Reading, left: number): boolean {
  return room.isWhole && reading.given === undefined && reading.page === null && room.timeline.length <= left;
}

function pageInHand(room: RoomTimeline, reading: Reading, content: PageAhead): Reading {
  const { next, memo, following } = content;
  const events = eventsOf(content);
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
    ...(!isLast && following !== undefined && { ahead: following }),
    ...(memo !== undefined && { memo }),
  };
}

/** Throws a 502 where the page cannot be read. */
const eventsOf = ({ events }: IntervalPage): readonly RoomEvent[] =>
  events instanceof MessagesPage ? events.events : events;

/** Aliases events were never part of the legacy stream: native leaves them out too. */
function visible(events: readonly RoomEvent[]): readonly RoomEvent[] {
  return events.filter((event) => event.type !== 'm.room.aliases');
}

function isRefusal(error: unknown): boolean {
  return error instanceof HomeserverError && (error.status === 403 || error.status === 404);
}
