// What lies between two sync tokens and does not fit into one answer, given room by room in the order of room ids.

import type { RoomId } from '../matrix/identifiers.ts';
import type { RoomEvent } from '../translate/events.ts';
import { createPageReader, type IntervalSource } from './page-reader.ts';
import { afterGiving, type Remainder } from './remainder.ts';

/** Some events of one room, oldest first, and what is left after them. */
export interface Step {
  roomId: RoomId;
  events: readonly RoomEvent[];
  remainder: Remainder;
}

/** Pages that show nothing to the caller, in one answer: behind so many it ends, with the position that was reached. */
const MOST_EMPTY_PAGES = 100;

/**
 * Gives at most `limit` events of a remainder, a page or a timeline at a time; returns what is left in the end.
 *
 * A room is read from one source only: its timeline where that is whole and fits, else `/messages`. `/sync` orders by
 * arrival and `/messages` by depth, so a cut in one that is continued in the other would lose events.
 * The next page is fetched while the last one is being written; ending the iteration aborts what is under way.
 * A room that refuses (403, 404) gives what its timeline held. Any other failure is thrown, before that room's events.
 *
 * @see docs/decisions/catch-up.md
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
  let emptyPages = 0;
  pages.askFurther(start, limit);
  try {
    for (let room = start.rooms[0]; room !== undefined && left > 0; room = remainder.rooms[0]) {
      const progress = await pages.readRoom(room, remainder.progress, left);
      const events = progress.pending?.slice(0, left) ?? [];
      left -= events.length;
      if (events.length === 0) emptyPages += 1;
      const isOver =
        emptyPages === MOST_EMPTY_PAGES || (events.length === 0 && source.isTooLate?.() === true);
      remainder = afterGiving(remainder, room.roomId, progress, events);
      source.onProgress?.(remainder);
      if (!isOver) remainder = pages.withPagesAhead(remainder, left);
      if (events.length > 0) yield { roomId: room.roomId, events, remainder };
      if (isOver) break;
    }
    return remainder;
  } finally {
    ended.abort();
  }
}
