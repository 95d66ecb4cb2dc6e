// One room's snapshot, in the pieces in which it is written: what stands before the events of its chunk, between them and
// the state, and behind the state. State comes last from the homeserver and may be as long as the room has members.

import type { JsonObject } from '../matrix/client-event.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import type { LegacyEphemeralEvent } from '../matrix/legacy.ts';

export interface RoomSnapshot {
  roomId: RoomId;
  /** The user's membership; absent for a peeker. */
  membership?: 'join' | 'leave';
  start: string;
  end: string;
}

/**
 * The answer up to the first event of the chunk, as JSON text.
 *
 * @see docs/reference/synapse-legacy.md#room-initial-sync
 */
export function roomStart({ roomId, membership }: RoomSnapshot): string {
  const head = { ...(membership !== undefined && { membership }), room_id: roomId };
  return `${JSON.stringify(head).slice(0, -1)},"messages":{"chunk":[`;
}

/** The answer from behind the last event of the chunk up to the first one of the state. */
export function roomState({ start, end }: RoomSnapshot): string {
  return `],${JSON.stringify({ start, end }).slice(1)},"state":[`;
}

/** Writes what follows the state: presence and, from events that are text already, receipts and account data. */
export function roomEnd(
  presence: readonly LegacyEphemeralEvent[],
  receipts: readonly string[],
  accountData: readonly string[],
): string {
  const written = `"presence":${JSON.stringify(presence)}`;
  return `],${written},"receipts":[${receipts.join()}],"account_data":[${accountData.join()}]}`;
}

/** `/presence/{userId}/status` → the presence event that legacy clients expect, with its user in the content. */
export function toPresenceEvent(userId: UserId, status: JsonObject): LegacyEphemeralEvent {
  return { type: 'm.presence', content: { ...status, user_id: userId } };
}
