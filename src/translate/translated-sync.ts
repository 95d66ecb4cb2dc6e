// What the translations of a whole `/sync` have in common.

import type { ClientEvent, EphemeralEvent } from '../matrix/client-event.ts';
import type { EventId, Milliseconds, RoomId, UserId } from '../matrix/identifiers.ts';
import { parseExactly } from '../stream/exact-json.ts';
import type { JsonVisitor } from '../stream/json-reader.ts';
import type { Visibility } from './answer-output.ts';

/** The context says for whom a `/sync` is translated, and has what is asked and told meanwhile. */
export interface TranslationContext {
  userId: UserId;
  nowMs: Milliseconds;
  /** A token for the place beside an event; without one, for the room's newest place. */
  roomToken(roomId: RoomId, eventId: EventId | null, side: 'before' | 'after'): string;
  /** The whole event of an invite, where it is known by the time that invites are released. */
  inviteOf(roomId: RoomId): ClientEvent | undefined;
  /** Is called for each event that stands in a room's timeline. */
  onEvent?(eventId: EventId | undefined, roomId: RoomId): void;
  /** Is called for each presence event, in its legacy form. */
  onPresence?(event: EphemeralEvent): void;
}

/** A translation reads the homeserver's answer, value by value, and writes the client's. */
export interface StreamTranslation {
  readonly visitor: JsonVisitor;
  /** Whether the whole answer was given. */
  readonly isComplete: boolean;
}

/** Bytes of a small value that is put together anew (of presence, of an invite) → the value; numbers keep their spelling. */
export function parseEvent<Event>(bytes: Buffer): Event {
  return parseExactly(bytes.toString()) as Event;
}

/**
 * A room's visibility → the member that follows others in its object.
 *
 * Differs: visibility-may-be-missing
 */
export function toVisibilityMember(visibility: Visibility): string {
  return visibility === undefined ? '' : `,"visibility":"${visibility}"`;
}

/** A room's visibility → the member as draft A of v2_alpha has it. */
export function toPublishedMember(visibility: Visibility): string {
  return visibility === undefined ? '' : `,"published":${visibility === 'public'}`;
}
