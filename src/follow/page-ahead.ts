import type { IntervalPage } from '../homeserver/kinds/kind.ts';
import { MessagesPage } from '../homeserver/messages-page.ts';
import { WrittenEvent } from '../translate/written-event.ts';

/** A page that was asked for before it was wanted, and where the one behind it is on its way already, that one. */
export interface PageAhead extends IntervalPage {
  following?: Promise<PageAhead>;
}

/** How many bytes a page keeps in memory; of one that was parsed it is not known. */
export function bytesOfPage({ events }: IntervalPage): number {
  if (events instanceof MessagesPage) return events.bytes.buffer.byteLength;
  const [first] = events;
  return first instanceof WrittenEvent ? first.bytes.buffer.byteLength : 0;
}

/** How many pages may be on their way, or wait to be taken, in all answers together. */
export interface PagesAhead {
  /** A place for one page, to be given back; undefined where none is free. */
  begin(): (() => void) | undefined;
  readonly count: number;
}

/** Bounds the pages ahead of all sessions: who finds no place reads a page when it is wanted. */
export function createPagesAhead(mostPages = 32): PagesAhead {
  let count = 0;
  return {
    begin: () => {
      if (count >= mostPages) return undefined;
      count += 1;
      let isOver = false;
      return () => {
        if (!isOver) count -= 1;
        isOver = true;
      };
    },
    get count() {
      return count;
    },
  };
}
