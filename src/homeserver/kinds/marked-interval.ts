import type { WrittenEvent } from '../../translate/written-event.ts';
import type { EventId, MessagesToken, RoomId, SyncToken } from '../../matrix/identifiers.ts';
import type { Caller, Homeserver } from '../homeserver.ts';
import type { HomeserverKind, IntervalPage, PageMemo } from './kind.ts';

/** The least that homeservers agree on. */
const PAGE_LIMIT = 100;
/** How far back an interval is followed that begins with what the caller cannot see. */
const MOST_PAGES_BACK = 50;

/** One who reads one room, and how. */
interface Reading {
  homeserver: Homeserver;
  caller: Caller;
  roomId: RoomId;
  filter?: string;
  signal: AbortSignal;
}

/**
 * Reads an interval where `/messages?dir=f` cannot begin at a sync token without losing an event, but `dir=b` can: the
 * newest event up to `from` is a marker, and what comes after it is read forwards from before the marker, up to the
 * newest event up to `to`.
 *
 * Each page's first event is left out where it is the last one of the page before; found by its token alone, a page
 * repeats it. Where no event is to be seen at `from`, the interval begins with the oldest that can be reached from `to`.
 * A fork that arrives late with a depth below the marker's lies before it: pages are ordered by depth, so it is not found.
 *
 * @see reference/homeservers.md §3.2 "Portable way to fill a gap"
 */
export const readMarkedPage: HomeserverKind['readPage'] = async (
  homeserver,
  caller,
  { roomId, from, to },
  page,
  { filter, memo, signal },
) => {
  const reading: Reading = { homeserver, caller, roomId, signal, ...(filter !== undefined && { filter }) };
  const until = memo.until ?? (await markerAt(reading, to));
  if (until === undefined) return { events: [] };
  if (page !== null) return readForwards(reading, page, { ...memo, until });

  const lower = await readBackwards(reading, from, 1);
  const marker = lower.events[0]?.event_id;
  if (marker === until) return { events: [] };
  if (marker !== undefined && lower.end !== undefined)
    return readForwards(reading, lower.end, { until, lastEventId: marker });
  const start = await oldestReachable(reading, to);
  return start === undefined ? { events: [] } : readForwards(reading, start, { until });
};

/**
 * Whether the newest event of a room is another one than at a position; what the caller cannot see does not count.
 * None at all are news too: the room was closed to the caller.
 */
export const hasMarkedNews: HomeserverKind['hasNews'] = async (homeserver, caller, roomId, since, signal) => {
  const reading = { homeserver, caller, roomId, signal };
  const [then, now] = await Promise.all([markerAt(reading, since), markerAt(reading, undefined)]);
  return now === undefined || now !== then;
};

/** What lies after the marker of `memo`, as far as its `until`. */
async function readForwards(
  { homeserver, caller, roomId, filter, signal }: Reading,
  from: MessagesToken,
  memo: PageMemo & { until: EventId },
): Promise<IntervalPage> {
  const query = { dir: 'f' as const, from, limit: PAGE_LIMIT, ...(filter !== undefined && { filter }) };
  const { events: page, end } = await homeserver.messagesPage(caller, roomId, query, signal);
  const marker = page.findIndex(({ event_id }) => event_id === memo.lastEventId);
  const last = page.findIndex(({ event_id }) => event_id === memo.until);
  const events = page.slice(marker + 1, last === -1 ? page.length : last + 1);
  const lastEventId = page.at(-1)?.event_id;
  // A page that holds nothing but what is known, or leads back to itself, would be read for ever.
  const isOver = last !== -1 || end === undefined || end === from;
  if (isOver || lastEventId === undefined || lastEventId === memo.lastEventId) return { events };
  return { events, next: end, memo: { until: memo.until, lastEventId } };
}

/** The newest event up to a position that the caller sees; without one, of all. */
async function markerAt(reading: Reading, position: SyncToken | undefined): Promise<EventId | undefined> {
  return (await readBackwards(reading, position, 1)).events[0]?.event_id;
}

/** The place before the oldest event that paging backwards reaches. */
async function oldestReachable(reading: Reading, to: SyncToken): Promise<MessagesToken | undefined> {
  let oldest: MessagesToken | undefined;
  for (let page = 0; page < MOST_PAGES_BACK; page += 1) {
    const { events, end } = await readBackwards(reading, oldest ?? to, PAGE_LIMIT);
    if (events.length === 0 || end === undefined || end === oldest) break;
    oldest = end;
  }
  return oldest;
}

async function readBackwards(
  { homeserver, caller, roomId, signal }: Reading,
  from: MessagesToken | SyncToken | undefined,
  limit: number,
): Promise<{ events: readonly WrittenEvent[]; end: MessagesToken | undefined }> {
  const query = { dir: 'b' as const, limit, ...(from !== undefined && { from }) };
  const { events, end } = await homeserver.messagesPage(caller, roomId, query, signal);
  return { events, end };
}
