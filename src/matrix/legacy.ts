// The answers of the deprecated API, as old clients read them.

import type { ClientEvent, EphemeralEvent, JsonObject, UnsignedData } from './client-event.ts';
import type { EventId, Milliseconds, RoomId, UserId } from './identifiers.ts';

/**
 * An event in the format of api/v1: the modern one, and copies of `sender` and of most of `unsigned` on top.
 *
 * @see docs/reference/synapse-legacy.md#the-legacy-event
 */
export interface LegacyEvent extends ClientEvent {
  user_id?: UserId;
  age?: Milliseconds;
  prev_content?: JsonObject;
  replaces_state?: EventId;
  redacted_because?: LegacyEvent;
  invite_room_state?: unknown[];
  knock_room_state?: unknown[];
  unsigned?: UnsignedData;
}

/** An ephemeral event of a `chunk`: presence, typing, a receipt or account data; what belongs to a room has `room_id`. */
export interface LegacyEphemeralEvent extends EphemeralEvent {
  room_id?: RoomId;
}

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/old_sync.yaml (getEvents) */
export interface EventsResponse {
  start: string;
  chunk: (LegacyEvent | LegacyEphemeralEvent)[];
  end: string;
}

/** A room of `GET /initialSync`; invited rooms have `inviter` and `invite`. */
export interface LegacyRoom {
  room_id: RoomId;
  membership: 'join' | 'invite' | 'leave';
  visibility: 'public' | 'private';
  messages: { chunk: LegacyEvent[]; start?: string; end: string };
  state: LegacyEvent[];
  account_data: EphemeralEvent[];
  inviter?: UserId;
  invite?: LegacyEvent;
}

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/old_sync.yaml (initialSync) */
export interface InitialSyncResponse {
  end: string;
  presence: EphemeralEvent[];
  rooms: LegacyRoom[];
  receipts: LegacyEphemeralEvent[];
  account_data: EphemeralEvent[];
}
