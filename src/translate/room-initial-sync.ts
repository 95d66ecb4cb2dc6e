// One room's snapshot, in the pieces in which it is written: what stands before the state, each state event, what
// stands behind it. State comes last from the homeserver and may be as long as the room has members.

import type { ClientEvent, EphemeralEvent, JsonObject } from '../matrix/client-event.ts';
import type { Milliseconds, RoomId, UserId } from '../matrix/identifiers.ts';
import type { LegacyEphemeralEvent, LegacyEvent } from '../matrix/legacy.ts';
import { toLegacyEvent } from './legacy-event.ts';

export interface RoomSnapshot {
  roomId: RoomId;
  /** Absent for who only looks. */
  membership?: 'join' | 'leave';
  /** Oldest first. */
  chunk: readonly ClientEvent[];
  start: string;
  end: string;
  nowMs: Milliseconds;
}

/** What follows the state. */
export interface RoomSurroundings {
  presence: readonly LegacyEphemeralEvent[];
  receipts: readonly LegacyEphemeralEvent[];
  accountData: readonly EphemeralEvent[];
}

/**
 * The answer up to the first state event, as JSON text.
 *
 * @see reference/native.md §6
 */
export function writeRoomHead({ roomId, membership, chunk, start, end, nowMs }: RoomSnapshot): string {
  const events: LegacyEvent[] = chunk.map((event) => toLegacyEvent(event, roomId, nowMs));
  const head = {
    ...(membership !== undefined && { membership }),
    room_id: roomId,
    messages: { chunk: events, start, end },
  };
  return `${JSON.stringify(head).slice(0, -1)},"state":[`;
}

/** A state event as it stands in `state`: natively without `unsigned.membership`. */
export function writeStateEvent(event: ClientEvent, { roomId, nowMs }: RoomSnapshot): string {
  return JSON.stringify(toLegacyEvent(event, roomId, nowMs, { withoutUnsigned: ['membership'] }));
}

/** The answer behind the last state event. */
export function writeRoomTail({ presence, receipts, accountData }: RoomSurroundings): string {
  return `],${JSON.stringify({ presence, receipts, account_data: accountData }).slice(1)}`;
}

/** `/presence/{userId}/status` → the presence event that legacy clients expect, with its user in the content. */
export function toPresenceEvent(userId: UserId, status: JsonObject): LegacyEphemeralEvent {
  return { type: 'm.presence', content: { ...status, user_id: userId } };
}
