import type { EventId, MessagesToken, RoomId, SyncToken } from '../../matrix/identifiers.ts';
import type { WrittenEvent } from '../../translate/written-event.ts';
import type { Account } from '../homeserver.ts';
import { PAGE_LIMIT, type MessagesPage } from '../messages-page.ts';
import type { HomeserverKind, IntervalPage, PageMemo } from './kind.ts';

/** How far back an interval is followed that begins with what the caller cannot see. */
const MOST_PAGES_BACK = 50;
/**
 * An event that the caller sees is looked for among so many events beside a position, step by step: pages of nothing
 * visible are empty.
 */
const DEPTHS = [1, 10, PAGE_LIMIT] as const;

/** Who reads which room, and how. */
interface RoomReading {
  account: Account;
  roomId: RoomId;
  filter?: string;
}

/** The place where reading forwards begins, and the event up to which everything is known. */
interface Start {
  page: MessagesToken;
  marker?: EventId | undefined;
}

/**
 * Reads an interval where `/messages?dir=f` cannot begin at a sync token without losing an event, but `dir=b` can: the
 * newest event up to `from` is a marker, and what comes after it is read forwards from before the marker, up to the
 * newest event up to `to`.
 *
 * Each page's first event is left out where it is the last one of the page before; found by its token alone, a page
 * repeats it. Where no event is to be seen at `from`, the marker is looked for from `to` backwards.
 * A fork that arrives late with a depth below the marker's lies before it: pages are ordered by depth, so it is not found.
 *
 * @see docs/reference/homeservers.md#a-gap-that-is-filled-everywhere
 */
export const readMarkedPage: HomeserverKind['readPage'] = async (
  account,
  { roomId, from, to },
  page,
  { filter, memo },
) => {
  const reading: RoomReading = { account, roomId, ...(filter !== undefined && { filter }) };
  const end = memo.until ?? toEnd(to, (await markerAt(reading, to))?.event);
  if (end === undefined) return { events: [] };
  if (page !== null) return readOn(reading, { from, to }, page, { ...memo, until: end });

  const start = await startOf(reading, { from, to }, end);
  if (start === undefined) return { events: [] };
  const { marker } = start;
  const known = { until: end, ...(marker !== undefined && { lastEventId: marker }) };
  return readOn(reading, { from, to }, start.page, known);
};

/**
 * A page forwards. One of nothing visible has no `end`: what lies behind a hundred such events is found from the end of
 * the interval backwards, once.
 */
async function readOn(
  reading: RoomReading,
  interval: { from: SyncToken; to: SyncToken },
  page: MessagesToken,
  memo: Known,
): Promise<IntervalPage> {
  const { isAtEnd, lastEventId, ...read } = await readForwards(reading, page, memo);
  if (isAtEnd || read.next !== undefined || memo.hasJumped === true) return read;
  const further = await walkBack(reading, interval);
  if (further === undefined || further.page === page) return read;
  const known = lastEventId ?? memo.lastEventId ?? further.marker;
  const next = { until: memo.until, hasJumped: true, ...(known !== undefined && { lastEventId: known }) };
  return { events: read.events, next: further.page, memo: next };
}

/**
 * How the end of an interval is known: by its newest event; where that is a membership, by the position, because
 * Dendrite begins backwards at the leave for who left, whatever the position.
 */
function toEnd(to: SyncToken, newest: WrittenEvent | undefined): PageMemo['until'] {
  if (newest?.event_id === undefined) return undefined;
  return newest.type === 'm.room.member' ? { position: to } : { eventId: newest.event_id };
}

/**
 * Whether the newest event of a room is another one than at a position; what the caller cannot see does not count.
 * None at all are news too, unless that is known: the room may have been closed to the caller.
 *
 * What is found is noted for the next time: the event at the position is asked for once, and the newest one where it was
 * found before, so that an invisible event costs nothing more.
 */
export const hasMarkedNews: HomeserverKind['hasNews'] = async (account, roomId, since, memo = {}) => {
  const reading = { account, roomId };
  const [then, now] = await Promise.all([
    memo.marker ?? markerAt(reading, since).then((marker) => ({ eventId: marker?.event.event_id })),
    markerAt(reading, undefined, memo.depth),
  ]);
  memo.marker = then;
  memo.depth = now?.depth;
  return now === undefined ? memo.isInvisible !== true : now.event.event_id !== then.eventId;
};

type Known = PageMemo & { until: NonNullable<PageMemo['until']> };

/**
 * Reads what lies after the marker of `memo`, up to its `until`. `isAtEnd`: all of it was met, or nothing tells; else
 * the page leads to no further one before its end.
 */
async function readForwards(
  { account, roomId, filter }: RoomReading,
  from: MessagesToken,
  memo: Known,
): Promise<IntervalPage & { isAtEnd: boolean; lastEventId?: EventId | undefined }> {
  const { until } = memo;
  const query = {
    dir: 'f' as const,
    from,
    limit: PAGE_LIMIT,
    ...('position' in until && { to: until.position }),
    ...(filter !== undefined && { filter }),
  };
  const { events: page, end } = await account.messagesPage(roomId, query);
  const marker = page.findIndex(({ event_id }) => event_id === memo.lastEventId);
  const last = 'eventId' in until ? page.findIndex(({ event_id }) => event_id === until.eventId) : -1;
  const events = page.slice(marker + 1, last === -1 ? page.length : last + 1);
  const lastEventId = page.at(-1)?.event_id;
  const isAtEnd = last !== -1 || 'position' in until;
  // A page that leads back to itself would be read for ever.
  const isOver = last !== -1 || end === undefined || end === from;
  if (isOver || lastEventId === undefined) return { events, isAtEnd, lastEventId };
  return { events, next: end, memo: { ...memo, lastEventId }, isAtEnd };
}

/** Finds where to begin; undefined where nothing lies between the two positions. */
async function startOf(
  reading: RoomReading,
  { from, to }: { from: SyncToken; to: SyncToken },
  end: NonNullable<PageMemo['until']>,
): Promise<Start | undefined> {
  const lower = await markerAt(reading, from);
  if (lower?.page === undefined) return walkBack(reading, { from, to });
  const marker = lower.event.event_id;
  if ('eventId' in end) return marker === end.eventId ? undefined : { page: lower.page, marker };
  // Who left is shown the leave at every position: then this one says nothing.
  const upper = await markerAt(reading, to);
  return upper?.event.event_id === marker ? walkBack(reading, { from, to }) : { page: lower.page, marker };
}

/**
 * The start of an interval, found from its end: page by page back, until one holds what came before it, which
 * `dir=f&to=` tells exactly. Without such a page, the oldest place that is reached.
 */
async function walkBack(
  reading: RoomReading,
  { from, to }: { from: SyncToken; to: SyncToken },
): Promise<Start | undefined> {
  let oldest: MessagesToken | undefined;
  let newest: readonly WrittenEvent[] = [];
  for (let page = 0; page < MOST_PAGES_BACK; page += 1) {
    const { events, end } = await readBackwards(reading, oldest ?? to, PAGE_LIMIT);
    if (events.length === 0 || end === undefined) break;
    const isSamePage = oldest !== undefined && events[0]?.event_id === newest[0]?.event_id;
    if (isSamePage)
      return (await reaches(reading, from, newest))
        ? { page: oldest as MessagesToken }
        : fromPosition(reading, from);
    if (end === oldest) break;
    const before = await readUpTo(reading, end, from);
    if (before.length > 0) return { page: end, marker: before.at(-1)?.event_id };
    oldest = end;
    newest = events;
  }
  return oldest === undefined ? undefined : { page: oldest };
}

/**
 * Begins at a sync token itself, where nothing better is found: the first event behind it may be missing. Where that
 * one is a fork that arrived late, events that had come before it have a greater depth and lie behind it: the last of
 * them is the marker.
 */
async function fromPosition(reading: RoomReading, position: SyncToken): Promise<Start> {
  const page = position as string as MessagesToken;
  const before = await readUpTo(reading, page, position);
  return { page, marker: before.at(-1)?.event_id };
}

/** Whether a page holds the second event or so behind a position: then it also holds the first one. */
async function reaches(
  { account, roomId }: RoomReading,
  position: SyncToken,
  page: readonly WrittenEvent[],
): Promise<boolean> {
  const query = { dir: 'f' as const, from: position, limit: 1 };
  const [event] = (await account.messagesPage(roomId, query)).events;
  return event === undefined || page.some(({ event_id }) => event_id === event.event_id);
}

/** Reads the events of a page that lie up to a position, oldest first. */
async function readUpTo(
  { account, roomId }: RoomReading,
  from: MessagesToken,
  to: SyncToken,
): Promise<readonly WrittenEvent[]> {
  const query = { dir: 'f' as const, from, to, limit: PAGE_LIMIT };
  return (await account.messagesPage(roomId, query)).events;
}

/** An event that the caller sees, within how many it was found, and where to read forwards from to meet it. */
interface Marker {
  event: WrittenEvent;
  depth: number;
  page: MessagesToken | undefined;
}

/** The newest event up to a position that the caller sees, without one of all; undefined where there is none nearby. */
async function markerAt(
  reading: RoomReading,
  position: SyncToken | undefined,
  atLeast = 1,
): Promise<Marker | undefined> {
  for (const depth of DEPTHS) {
    if (depth < atLeast) continue;
    const { events, end } = await readBackwards(reading, position, depth);
    const [event] = events;
    if (event !== undefined) return { event, depth, page: end };
  }
  return undefined;
}

function readBackwards(
  { account, roomId }: RoomReading,
  from: MessagesToken | SyncToken | undefined,
  limit: number,
): Promise<MessagesPage> {
  const query = { dir: 'b' as const, limit, ...(from !== undefined && { from }) };
  return account.messagesPage(roomId, query);
}
