// Events as today's homeservers send them. Answers may lack any key, so everything but `type` is optional.

import type { EventId, Milliseconds, RoomId, UserId } from './identifiers.ts';

export type JsonObject = { [key: string]: unknown };

/** The `unsigned` data that this gateway reads; homeservers send more, and it is kept. */
export interface UnsignedData extends JsonObject {
  age?: Milliseconds;
  prev_content?: JsonObject;
  replaces_state?: EventId;
  redacted_because?: ClientEvent;
  transaction_id?: string;
  membership?: string;
}

/**
 * An event of a room. `/sync` leaves `room_id` out; `state_key` is there on state events only.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/definitions/client_event.yaml
 */
export interface ClientEvent extends JsonObject {
  type: string;
  event_id?: EventId;
  room_id?: RoomId;
  sender?: UserId;
  origin_server_ts?: Milliseconds;
  state_key?: string;
  content?: JsonObject;
  unsigned?: UnsignedData;
}

/** The four keys of an event that an invited or knocking user may see. */
export interface StrippedEvent extends JsonObject {
  type: string;
  state_key?: string;
  sender?: UserId;
  content?: JsonObject;
}

/** An ephemeral event is no part of a room's history: presence, typing, receipts, account data. */
export interface EphemeralEvent extends JsonObject {
  type: string;
  sender?: UserId;
  content?: JsonObject;
}

/** Tells whether an event is the membership of this user, which decides what the user sees of the room. */
export function isMembershipOf(userId: UserId, event: { type: string; state_key?: string }): boolean {
  return event.type === 'm.room.member' && event.state_key === userId;
}

/** `content.membership` of a membership event; absent where the homeserver or a redaction left it out. */
export function membershipOf(event: { content?: JsonObject }): string | undefined {
  const membership = event.content?.['membership'];
  return typeof membership === 'string' ? membership : undefined;
}
