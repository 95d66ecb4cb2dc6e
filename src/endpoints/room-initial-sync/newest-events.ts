import { encodeRoomToken } from '../../tokens/own-tokens.ts';
import type { Account } from '../../homeserver/homeserver.ts';
import { readOrRefuse } from '../../homeserver/unreadable-answer.ts';
import type { EventId, MessagesToken, RoomId, SyncToken } from '../../matrix/identifiers.ts';
import { loopBudget } from '../../scheduling/loop-budget.ts';
import { ByteSink } from '../../stream/byte-sink.ts';
import { COMMA } from '../../stream/json-bytes.ts';
import type { LegacyEventBytes } from '../../translate/legacy-event-bytes.ts';
import type { WrittenEvent } from '../../translate/written-event.ts';
import type { Spool } from '../streamed/spool.ts';
import { PAGE_LIMIT } from '../../homeserver/messages-page.ts';

export interface NewestEventsOptions {
  account: Account;
  roomId: RoomId;
  from: MessagesToken | SyncToken;
  limit: number;
  /** Writes the events as they are given. */
  events: LegacyEventBytes;
  /** Holds them, as the oldest come first in the answer and last from the homeserver. */
  spool: Spool;
  /** Is told of each event that is given. */
  onEvent: (eventId: EventId | undefined, roomId: RoomId) => void;
}

/** Events that are held, oldest last: in the slot of each page, as pieces of JSON text with commas between the events, oldest first. */
export interface NewestEvents {
  pages: number;
  newest: EventId | undefined;
  /** The token from which to page on behind the oldest. */
  start: string;
}

/** The spool is given pieces of about this size. */
const PIECE_BYTES = 64 * 1024;
/** Pages may be empty where history is invisible to the caller. */
const MOST_PAGES = 20;

/** Reads the newest events of a room up to a position, at most `limit`, into the spool: each once, a page at a time. */
export async function readNewest(options: NewestEventsOptions): Promise<NewestEvents> {
  const { account, roomId, limit, events, spool } = options;
  const known = new Set<EventId>();
  let newest: EventId | undefined;
  let oldest: EventId | undefined;
  let left = limit;
  let pages = 0;
  let from = options.from;
  for (let asked = 0; asked < MOST_PAGES && left > 0; asked += 1) {
    const query = { dir: 'b' as const, from, limit: Math.min(PAGE_LIMIT, left) };
    const page = await account.messagesPage(roomId, query);
    // To find the page's events and to write them are two pieces of work.
    await loopBudget.turnFor(page.bytes.length);
    const fresh = page.events.filter(({ event_id }) => event_id === undefined || !known.has(event_id));
    for (const { event_id } of fresh) {
      if (event_id !== undefined) known.add(event_id);
      options.onEvent(event_id, roomId);
    }
    newest ??= fresh[0]?.event_id;
    oldest = fresh.at(-1)?.event_id ?? oldest;
    left -= fresh.length;
    if (fresh.length > 0) {
      await loopBudget.turnFor(page.bytes.length);
      await holdPage(pages, fresh.toReversed());
      pages += 1;
    }
    const { end } = page;
    if (end === undefined || end === from) {
      const start =
        oldest === undefined ? from : encodeRoomToken({ roomId, eventId: oldest, side: 'before' });
      return { pages, newest, start };
    }
    from = end;
  }
  return { pages, newest, start: from };

  /** Writes a page's events into its slot, in pieces: the whole of it is in memory once already. */
  async function holdPage(page: number, pageEvents: readonly WrittenEvent[]): Promise<void> {
    const sink = new ByteSink(2 * PIECE_BYTES);
    for (const [i, event] of pageEvents.entries()) {
      readOrRefuse(() => {
        if (i > 0) sink.byte(COMMA);
        events.writeEvent(event, sink);
      });
      if (sink.length >= PIECE_BYTES) await hold();
    }
    if (sink.length > 0) await hold();

    function hold(): Promise<void> {
      return spool.hold(`page ${page}`, { roomId, bytes: sink.drain() });
    }
  }
}
