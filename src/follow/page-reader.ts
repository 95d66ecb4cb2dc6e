// The pages of a catch-up's rooms: the one in hand, and those that are on their way.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { IntervalPage, PageMemo, RoomInterval } from '../homeserver/kinds/kind.ts';
import { MessagesPage } from '../homeserver/messages-page.ts';
import { loopBudget } from '../scheduling/loop-budget.ts';
import { isRefusal, isTransient } from '../matrix/errors.ts';
import type { MessagesToken, RoomId } from '../matrix/identifiers.ts';
import type { RoomEvent, RoomTimeline } from '../translate/events.ts';
import { bytesOfPage, type PageAhead, type PagesAhead } from './page-ahead.ts';
import type { RoomProgress, Remainder } from './remainder.ts';

export interface PageReading {
  memo: PageMemo;
  signal: AbortSignal;
}

/** How a catch-up reads the homeserver, and whom it tells of rooms that cannot be read. */
export interface IntervalSource {
  readPage(interval: RoomInterval, page: MessagesToken | null, options: PageReading): Promise<IntervalPage>;
  /** Whether a room failed so often that it is treated as one that refuses. */
  isGivenUp(roomId: RoomId): boolean;
  onRefused?(roomId: RoomId): void;
  onFailure?(roomId: RoomId): void;
  /** Is told how far the reading got, also where nothing was given. */
  onProgress?(remainder: Remainder): void;
  /** Whether an answer has taken so long that it ends where it is, if it has nothing to give. */
  isTooLate?(): boolean;
  /** Bounds the pages that are on their way for all answers; absent: each has as many as it wants. */
  pagesAhead?: PagesAhead;
}

/** A page holds about so many events: as many pages are on their way as the answer still needs, up to a bound. */
const EVENTS_PER_PAGE = 100;
const MOST_PAGES_AHEAD = 10;
/** No further page is asked for where so many bytes wait to be taken. A usual page has a tenth of a megabyte. */
const MOST_BYTES_AHEAD = 4 * 1024 * 1024;
/** So many pages are read behind a full answer, for a client that will be back. */
const PAGES_AHEAD_OF_THE_NEXT_ANSWER = 3;
const NEVER = new AbortController().signal;

export interface PageReader {
  /** The room's page in hand, its events in `pending`. */
  readRoom(room: RoomTimeline, progress: RoomProgress | undefined, left: number): Promise<RoomProgress>;
  /** Asks for what comes next: the homeserver works while the client reads. */
  withPagesAhead(remainder: Remainder, left: number): Remainder;
  /** Asks for what comes behind the pages that the answer before this one asked for, so that nobody waits meanwhile. */
  askFurther(remainder: Remainder, left: number): void;
}

/** Reads the pages of one answer, and a little further, until the signal says that it is over. */
export function createPageReader(
  { from, to }: Remainder,
  source: IntervalSource,
  signal: AbortSignal,
): PageReader {
  /** The places of the pages that this answer asked for ahead and has not taken. */
  const places = new Map<IntervalPage | object, () => void>();
  let bytesAhead = 0;
  /** The pages behind those that are remembered for another try of this answer, which must not grow there. */
  const further = new Map<PageAhead, Promise<PageAhead>>();
  signal.addEventListener('abort', close, { once: true });
  /** The pages of the room in hand that were read: one that leads back to them would be read for ever. */
  let known: { roomId: RoomId; pages: Set<MessagesToken | null> } | undefined;

  function withPagesAhead(remainder: Remainder, left: number): Remainder {
    const { rooms, progress = { page: null } } = remainder;
    const [room] = rooms;
    if (room === undefined || progress.pending !== undefined || progress.ahead !== undefined)
      return remainder;
    // A whole timeline may yet fit into the next answer.
    const isFromTimeline = room.isWhole && (left === 0 || isGivenFromTimeline(room, progress, left));
    if (isFromTimeline || source.isGivenUp(room.roomId)) return remainder;
    const ahead =
      left > 0
        ? askAhead(room.roomId, progress, pagesFor(left), signal)
        : askAhead(room.roomId, progress, PAGES_AHEAD_OF_THE_NEXT_ANSWER, NEVER);
    return ahead === undefined ? remainder : { ...remainder, progress: { ...progress, ahead } };
  }

  /** Asks for a page ahead; returns undefined where too much is on its way or waits already. */
  function askAhead(
    roomId: RoomId,
    progress: RoomProgress,
    count: number,
    until: AbortSignal,
  ): Promise<PageAhead> | undefined {
    if (count === 0 || bytesAhead > MOST_BYTES_AHEAD) return undefined;
    const leave = source.pagesAhead === undefined ? () => {} : source.pagesAhead.begin();
    if (leave === undefined) return undefined;
    const key = {};
    // What is for the next answer outlives this one.
    if (until !== NEVER) places.set(key, leave);
    const asked = ask(roomId, progress, until).then((content): PageAhead => {
      arrived(key, content, leave, until);
      const { next, memo = {} } = content;
      const following =
        next === undefined ? undefined : askAhead(roomId, { page: next, memo }, count - 1, until);
      return following === undefined ? content : Object.assign(content, { following });
    });
    // Whoever takes the page meets its failure; nobody may.
    asked.catch(() => leave());
    return asked;
  }

  function askFurther({ rooms, progress }: Remainder, left: number): void {
    const [room] = rooms;
    if (room === undefined || progress?.ahead === undefined) return;
    const extend = (content: PageAhead, count: number): void => {
      const { next, memo = {}, following } = content;
      if (following !== undefined) void following.then((page) => extend(page, count - 1), noPage);
      else if (next !== undefined && count > 0) {
        const asked = askAhead(room.roomId, { page: next, memo }, count, signal);
        if (asked !== undefined) further.set(content, asked);
      }
    };
    void progress.ahead.then((page) => extend(page, pagesFor(left) - 1), noPage);
  }

  function arrived(key: object, content: IntervalPage, leave: () => void, until: AbortSignal): void {
    places.delete(key);
    bytesAhead += bytesOfPage(content);
    // What is for the next answer is counted in bytes, where it is remembered.
    if (until === NEVER || signal.aborted) leave();
    else places.set(content, leave);
  }

  function taken(content: PageAhead): void {
    const leave = places.get(content);
    if (leave === undefined) return;
    places.delete(content);
    bytesAhead -= bytesOfPage(content);
    leave();
  }

  function ask(roomId: RoomId, { page, memo = {} }: RoomProgress, until: AbortSignal): Promise<IntervalPage> {
    return source.readPage({ roomId, from, to }, page, { memo, signal: until });
  }

  /** The page as it was asked for ahead; where that failed or was given up, as if it had not been. */
  async function readPage(roomId: RoomId, progress: RoomProgress): Promise<PageAhead> {
    const fresh = (): Promise<PageAhead> => ask(roomId, progress, signal);
    const page = await (progress.ahead?.catch(fresh) ?? fresh());
    taken(page);
    const following = page.following ?? further.get(page);
    return withoutReturn(roomId, progress, following === undefined ? page : { ...page, following });
  }

  function withoutReturn(roomId: RoomId, progress: RoomProgress, page: PageAhead): PageAhead {
    if (known?.roomId !== roomId) known = { roomId, pages: new Set() };
    known.pages.add(progress.page);
    if (page.next === undefined || !known.pages.has(page.next)) return page;
    const { next: _next, following: _following, ...last } = page;
    return last;
  }

  async function readRoom(
    room: RoomTimeline,
    progress: RoomProgress = { page: null },
    left: number,
  ): Promise<RoomProgress> {
    if (progress.pending !== undefined) return progress;
    if (isGivenFromTimeline(room, progress, left)) return { ...progress, pending: visible(room.timeline) };
    try {
      if (source.isGivenUp(room.roomId)) return refused(room, progress);
      const page = await readPage(room.roomId, progress);
      // The page behind it was asked for when it came. Requests leave at the event loop's next turn, and until then the
      // homeserver would wait for the translation of this one.
      if (page.following !== undefined) await nextTurn();
      const turn = loopBudget.turnFor(bytesOfPage(page));
      if (turn !== undefined) await turn;
      return pageInHand(room, progress, page);
    } catch (error) {
      if (isRefusal(error)) return refused(room, progress);
      if (isTransient(error)) source.onFailure?.(room.roomId);
      throw error;
    }
  }

  function refused(room: RoomTimeline, progress: RoomProgress): RoomProgress {
    source.onRefused?.(room.roomId);
    if (progress.given !== undefined) return { ...progress, pending: [] };
    // What stands before our own join may be older than the interval, and nothing tells any more.
    return { ...progress, pending: visible(room.timeline.slice(room.joinedAt ?? 0)) };
  }

  function close(): void {
    for (const leave of places.values()) leave();
    places.clear();
  }

  return { readRoom, withPagesAhead, askFurther };
}

/** Events that an answer still needs → how many pages of a room are asked for ahead. */
const pagesFor = (left: number): number => Math.min(Math.ceil(left / EVENTS_PER_PAGE), MOST_PAGES_AHEAD);

/** Whoever takes the page meets its failure. */
const noPage = (): void => {};

function isGivenFromTimeline(room: RoomTimeline, progress: RoomProgress, left: number): boolean {
  return (
    room.isWhole && progress.given === undefined && progress.page === null && room.timeline.length <= left
  );
}

function pageInHand(room: RoomTimeline, progress: RoomProgress, content: PageAhead): RoomProgress {
  const { next, memo, following } = content;
  const events = eventsOf(content);
  const { given, page } = progress;
  // Where the event is gone from its page (purged meanwhile), the page is given again: repeated, not lost.
  const start = given?.page === page ? events.findIndex(({ event_id }) => event_id === given.eventId) + 1 : 0;
  const leave =
    room.lastVisible === undefined ? -1 : events.findIndex(({ event_id }) => event_id === room.lastVisible);
  const isLast = leave !== -1 || next === undefined;
  const shown = events.slice(start, leave === -1 ? undefined : leave + 1);
  const pending = visible(isLast && leave === -1 ? [...shown, ...untoldLeave(room, given)] : shown);
  return {
    ...(given !== undefined && { given }),
    page,
    pending,
    ...(!isLast && { next }),
    ...(!isLast && following !== undefined && { ahead: following }),
    ...(memo !== undefined && { memo }),
  };
}

/** The own leave as /sync told it, where no page shows it: who declined an invite may read nothing of the room. */
function untoldLeave(
  { timeline, lastVisible }: RoomTimeline,
  given: RoomProgress['given'],
): readonly RoomEvent[] {
  if (lastVisible === undefined || given?.eventId === lastVisible) return [];
  return timeline.filter(({ event_id }) => event_id === lastVisible);
}

/** Throws a 502 where the page cannot be read. */
const eventsOf = ({ events }: IntervalPage): readonly RoomEvent[] =>
  events instanceof MessagesPage ? events.events : events;

/** Leaves out the aliases events: they were never part of the legacy stream, in Synapse neither. */
function visible(events: readonly RoomEvent[]): readonly RoomEvent[] {
  return events.filter((event) => event.type !== 'm.room.aliases');
}
