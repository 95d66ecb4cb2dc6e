// What /sync tells besides room history: presence, typing, receipts, account data.

import type { EphemeralEvent, JsonObject } from '../matrix/client-event.ts';
import type { EventId, Milliseconds, UserId } from '../matrix/identifiers.ts';
import type { SandboxHomeserver } from './homeserver.ts';
import type { Receipt, Room } from './room.ts';
import type { Placed, Presence, User } from './user.ts';

/** Account data that was set after `since`, tags first; undefined: all. */
export function accountDataEvents(
  accountData: ReadonlyMap<string, Placed<JsonObject>> | undefined,
  since: number | undefined,
): EphemeralEvent[] {
  return [...(accountData ?? [])]
    .filter(([, { stream }]) => since === undefined || stream > since)
    .map(([type, { value }]) => ({ type, content: value }))
    .toSorted((one, other) => Number(other.type === 'm.tag') - Number(one.type === 'm.tag'));
}

/** Typing and receipts that changed after `since`; undefined: what there is now. */
export function ephemeralEvents(room: Room, user: User, since: number | undefined): EphemeralEvent[] {
  const { stream, users } = room.typing;
  const showsTyping = since === undefined ? users.size > 0 : stream > since;
  const receipts = [...room.receipts.values()].filter(
    (receipt) =>
      receipt.stream > (since ?? -1) && (receipt.type !== 'm.read.private' || receipt.userId === user.userId),
  );
  return [
    ...(showsTyping ? [{ type: 'm.typing', content: { user_ids: [...users.keys()] } }] : []),
    ...(receipts.length > 0 ? [{ type: 'm.receipt', content: toReceiptContent(receipts) }] : []),
  ];
}

function toReceiptContent(receipts: readonly Receipt[]): JsonObject {
  const content: Record<EventId, Record<string, Record<UserId, object>>> = {};
  for (const { eventId, type, userId, sentAt, threadId } of receipts) {
    const ofEvent = (content[eventId] ??= {});
    const ofType = (ofEvent[type] ??= {});
    ofType[userId] = { ts: sentAt, ...(threadId !== undefined && { thread_id: threadId }) };
  }
  return content;
}

/**
 * Presence of the user and of all who share a room: what changed after `since`, and those who are new in it, be it that
 * they or that the user joined. From the beginning without offline users.
 */
export function presenceEvents(
  homeserver: SandboxHomeserver,
  user: User,
  since: number | undefined,
  newRooms: ReadonlySet<Room>,
): EphemeralEvent[] {
  const { nowMs } = homeserver;
  const rooms = user.joinedRooms();
  const isNew = (other: UserId, room: Room): boolean =>
    room.membership(other) === 'join' &&
    (newRooms.has(room) || (since !== undefined && room.membership(other, since) !== 'join'));
  const events: EphemeralEvent[] = [];
  for (const { userId, presence } of homeserver.users.values()) {
    if (presence === undefined) continue;
    const isOwn = userId === user.userId;
    if (!isOwn && !rooms.some((room) => room.membership(userId) === 'join')) continue;
    const isNews =
      since === undefined
        ? presence.presence !== 'offline'
        : presence.stream > since || (!isOwn && rooms.some((room) => isNew(userId, room)));
    if (isNews)
      events.push({ type: 'm.presence', sender: userId, content: toPresenceContent(presence, nowMs) });
  }
  return events;
}

export function toPresenceContent(presence: Presence | undefined, nowMs: Milliseconds): JsonObject {
  if (presence === undefined) return { presence: 'offline' };
  const { presence: state, statusMessage, activeAt } = presence;
  return {
    presence: state,
    last_active_ago: nowMs - activeAt,
    ...(state === 'online' && { currently_active: true }),
    ...(statusMessage !== undefined && { status_msg: statusMessage }),
  };
}
