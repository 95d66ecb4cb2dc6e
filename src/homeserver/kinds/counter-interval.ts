// Homeservers on which one counter numbers everything: a sync token and a messages token lie on the same line, and a
// room's pages are in the order of arrival.

import type { EventId, MessagesToken, SyncToken } from '../../matrix/identifiers.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { HomeserverKind } from './kind.ts';
import { PAGE_LIMIT } from '../messages-page.ts';

// Below 2^63. 0 and junk would start anew, silently; a backfilled event's number is negative.
const SYNC_TOKEN = /^[1-9]\d{0,18}$/;
const MESSAGES_TOKEN = /^(?:0|-?[1-9]\d{0,18})$/;

/** @see docs/reference/homeservers.md#tokens */
export const counterTokens: Pick<HomeserverKind, 'isSyncToken' | 'isMessagesToken' | 'toSyncToken'> = {
  isSyncToken: (text) => SYNC_TOKEN.test(text),
  isMessagesToken: (text) => MESSAGES_TOKEN.test(text),
  // The number of an event is its position in the whole stream, and of this shape it is a sync token already.
  toSyncToken: () => undefined,
};

/** `from` is exclusive in both directions, so backwards an event with the position's own number would be left out. */
export const afterCounter = (position: SyncToken): MessagesToken =>
  String(BigInt(position) + 1n) as MessagesToken;

/**
 * Reads an interval where `/messages?dir=f` begins right and knows no end: `to` is only compared for equality, and the
 * event with that very number would be left out, so it is not sent. A page whose `end` is a number beyond `to` is cut
 * behind the newest event up to `to`, which `dir=b` tells. Exact: the number of each event is its place in the stream.
 *
 * A page of which the caller sees nothing has no `end`, and ends the reading: what lies behind a hundred invisible
 * events is lost.
 *
 * @see docs/reference/homeservers.md#messages
 */
export const readCounterPage: HomeserverKind['readPage'] = async (
  account,
  { roomId, from, to },
  page,
  { filter },
) => {
  const asked = { limit: PAGE_LIMIT, ...(filter !== undefined && { filter }) };
  const forwards = { ...asked, dir: 'f' as const, from: page ?? from };
  const { events, end } = await account.messagesPage(roomId, forwards);
  if (events.length === 0 || !isToken(end)) return { events };
  if (BigInt(end) <= BigInt(to))
    return BigInt(end) <= BigInt(page ?? from) ? { events } : { events, next: end };

  const backwards = { dir: 'b' as const, from: afterCounter(to), limit: 1 };
  const last: EventId | undefined = (await account.messagesPage(roomId, backwards)).events[0]?.event_id;
  return { events: events.slice(0, events.findIndex(({ event_id }) => event_id === last) + 1) };
};

/**
 * The number of a room's newest event: a `/sync` would cost a whole initial one, as these filter no rooms, and on Conduit
 * it would take the place of the one that the device's own client waits in.
 *
 * @see docs/reference/homeservers.md#sync
 * @see docs/reference/homeservers.md#messages
 */
export const readNewestCounter: NonNullable<HomeserverKind['readRoomNow']> = async (account, roomId) => {
  const { end } = await account.messagesPage(roomId, { dir: 'b', limit: 1 });
  if (isToken(end) && SYNC_TOKEN.test(end)) return end as string as SyncToken;
  throw new MatrixError(403, 'M_FORBIDDEN', 'Nothing of the room can be seen');
};

/** Conduit's timelines hold so many. */
const TIMELINE_EVENTS = 10;

/** The newest events of a room up to a position: as many as a timeline of Conduit's holds. */
export const readNewestUpTo: NonNullable<HomeserverKind['readNewestUpTo']> = async (
  account,
  roomId,
  position,
) => {
  const query = { dir: 'b' as const, from: afterCounter(position), limit: TIMELINE_EVENTS };
  const { events } = await account.messagesPage(roomId, query);
  return new Set(events.flatMap(({ event_id }) => event_id ?? []));
};

const isToken = (end: MessagesToken | undefined): end is MessagesToken =>
  typeof end === 'string' && MESSAGES_TOKEN.test(end);
