// Tokens of ours, given where a homeserver's own are expected: what they mean there.

import type { Account } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import type { MessagesToken, RoomId, SyncToken } from '../matrix/identifiers.ts';
import { decodeCatchUpToken, decodeRoomToken, type RoomPosition } from './own-tokens.ts';

export interface TokenContext {
  account: Account;
  kind: HomeserverKind;
  /** Whether the token is for a page of `/messages` that goes back. */
  isBackwards?: boolean;
}

/**
 * A token of ours → the sync token to use for it in `/sync`, `/initialSync` and `/events`; undefined where it is none.
 *
 * Of a catch-up its beginning, so that what was given of it is repeated and nothing lost. Of a place in a room the
 * position that the homeserver's own token for it tells, where it does.
 */
export async function resolveForSync(token: string, context: TokenContext): Promise<SyncToken | undefined> {
  const catchUp = decodeCatchUpToken(token);
  if (catchUp !== undefined) return context.kind.isSyncToken(catchUp.from) ? catchUp.from : undefined;
  const place = decodeRoomToken(token);
  if (place === undefined || place.eventId === null) return undefined;
  const messagesToken = await lookUp(place, context);
  if (messagesToken === undefined) return undefined;
  // On some homeservers the two are of one shape, and on one line.
  if (context.kind.isSyncToken(messagesToken)) return messagesToken as string as SyncToken;
  return context.kind.toSyncToken(messagesToken);
}

/** Before the first event of a room, where a homeserver has no token for that: nothing lies beyond it. */
export const BEFORE_ALL = Symbol('before all');

/**
 * A token of ours → the token to use for it in `/messages` of a room.
 *
 * Null: to be left out, as it means now. Undefined: it is no token of ours, or one of another room.
 */
export async function resolveForMessages(
  token: string,
  roomId: RoomId,
  context: TokenContext,
): Promise<MessagesToken | SyncToken | typeof BEFORE_ALL | null | undefined> {
  const catchUp = decodeCatchUpToken(token);
  if (catchUp !== undefined) {
    const { from, to, page } = catchUp;
    if (!context.kind.isSyncToken(from) || !context.kind.isSyncToken(to)) return undefined;
    if (page !== null && !context.kind.isMessagesToken(page)) return undefined;
    if (roomId < catchUp.roomId) return to;
    if (roomId > catchUp.roomId) return from;
    return page ?? (catchUp.lastEventId === null ? to : from);
  }
  const place = decodeRoomToken(token);
  if (place === undefined || place.roomId !== roomId) return undefined;
  if (place.eventId === null) return null;
  const messagesToken = await lookUp(place, context);
  if (messagesToken?.length !== 0)
    return place.side === 'after' && context.isBackwards === true
      ? backwardsFrom(messagesToken, context.kind)
      : messagesToken;
  // Dendrite has no token behind the newest event, and none before the first.
  return place.side === 'before' ? BEFORE_ALL : null;
}

/**
 * Moves a token one event on where tokens are exclusive both ways: a page back from behind an event would leave that
 * event out.
 */
function backwardsFrom(
  token: MessagesToken | undefined,
  kind: HomeserverKind,
): MessagesToken | SyncToken | undefined {
  if (token === undefined || kind.toBackwardsStart === undefined || !kind.isSyncToken(token)) return token;
  return kind.toBackwardsStart(token as string as SyncToken);
}

async function lookUp(place: RoomPosition, context: TokenContext): Promise<MessagesToken | undefined> {
  if (place.eventId === null) return undefined;
  const { start, end } = await context.account.context(place.roomId, place.eventId);
  return (place.side === 'before' ? start : end) ?? undefined;
}
