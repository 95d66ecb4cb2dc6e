import type { WrittenEvent } from '../../translate/written-event.ts';
import type { HomeserverKind } from './kind.ts';
import { PAGE_LIMIT } from '../messages-page.ts';

/**
 * Reads an interval where `/messages?dir=f&from=…&to=…` takes sync tokens and gives exactly what lies between them.
 *
 * Only its first page is exact by itself: a messages token is a place by depth, and what a page behind it holds may have
 * arrived before the interval, where a fork of more than a page came late. That is asked for, and left out, until there
 * is none: once for a room that did not fork.
 *
 * @see docs/reference/synapse-legacy.md#messages
 */
export const readExactPage: HomeserverKind['readPage'] = async (account, interval, page, options) => {
  const { filter } = options;
  const query = { dir: 'f' as const, limit: PAGE_LIMIT, ...(filter !== undefined && { filter }) };
  const { roomId, from, to } = interval;
  const isExact = page === null || options.memo.hasOnlyNews === true;
  const [read, before] = await Promise.all([
    account.messagesPage(roomId, { ...query, from: page ?? from, to }),
    isExact ? undefined : account.messagesPage(roomId, { ...query, from: page, to: from }),
  ]);
  // A page that leads back to itself would be read for ever.
  const next = read.end === undefined || read.end === page ? {} : { next: read.end };
  if (before === undefined) return { events: read, ...next, memo: options.memo };

  const old = before.events;
  if (old.length > 0) return { events: without(read.events, old), ...next };
  return { events: read, ...next, memo: { hasOnlyNews: typeof before.end !== 'string' } };
};

function without(events: readonly WrittenEvent[], others: readonly WrittenEvent[]): WrittenEvent[] {
  const known = new Set(others.map(({ event_id }) => event_id));
  return events.filter(({ event_id }) => !known.has(event_id));
}

/** Whether `/messages?dir=f&from=…` has anything, or says that there is more to look at. */
export const hasExactNews: HomeserverKind['hasNews'] = async (account, roomId, since) => {
  const { events, end } = await account.messagesPage(roomId, { dir: 'f', from: since, limit: 1 });
  return events.length > 0 || end !== undefined;
};
