// Tokens of ours, given where a homeserver's own are expected: what they mean there.

import type { Caller, Homeserver } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import type { MessagesToken, RoomId, SyncToken } from '../matrix/identifiers.ts';
import { decodeCatchUpToken, decodeRoomToken, type RoomPosition } from './stream-position.ts';

export interface TokenContext {
  homeserver: Homeserver;
  kind: HomeserverKind;
  caller: Caller;
  signal: AbortSignal;
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
  return messagesToken === undefined ? undefined : context.kind.toSyncToken(messagesToken);
}

/**
 * A token of ours → the token to use for it in `/messages` of a room.
 *
 * Null: to be left out, as it means now. Undefined: it is no token of ours, or one of another room.
 */
export async function resolveForMessages(
  token: string,
  roomId: RoomId,
  context: TokenContext,
): Promise<MessagesToken | SyncToken | null | undefined> {
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
  // Behind the newest event Dendrite has no token.
  return messagesToken?.length === 0 ? null : messagesToken;
}

async function lookUp(place: RoomPosition, context: TokenContext): Promise<MessagesToken | undefined> {
  if (place.eventId === null) return undefined;
  const { start, end } = await context.homeserver.context(
    context.caller,
    place.roomId,
    place.eventId,
    context.signal,
  );
  return (place.side === 'before' ? start : end) ?? undefined;
}
