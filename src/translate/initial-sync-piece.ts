import type { ClientEvent, EphemeralEvent } from '../matrix/client-event.ts';
import type { EventId, Milliseconds, RoomId, SyncToken, UserId } from '../matrix/identifiers.ts';
import type { ByteSink } from '../stream/byte-sink.ts';
import { parseExactly } from '../stream/exact-json.ts';

/** The request that a legacy initial sync answers, and what its translation is given. */
export interface InitialSyncContext {
  userId: UserId;
  /** Whether rooms that the user left are wanted. */
  archived: boolean;
  /** The federation form of events. */
  isRaw: boolean;
  nowMs: Milliseconds;
  /** So many of a timeline's events are shown, the newest; absent where the homeserver gives no more than it is asked for. */
  mostEvents?: number;
  /** A token for the place beside an event; without one, for the room's newest place. */
  roomToken(roomId: RoomId, eventId: EventId | null, side: 'before' | 'after'): string;
  /** The whole event of an invite, where it is known by the time that invites are released. */
  inviteOf(roomId: RoomId): ClientEvent | undefined;
  /** Where what needs not be read is written as bytes, in order with the text pieces. */
  sink: ByteSink;
  /** Is called for each event that stands in a room's chunk. */
  onEvent?(eventId: EventId | undefined, roomId: RoomId): void;
  /** Is called for each presence event, in its legacy form. */
  onPresence?(event: EphemeralEvent): void;
}

/** A slot holds what must wait before it can be written. */
export type HeldSlot =
  | 'receipts'
  | 'invites'
  | 'state'
  | 'timeline_state'
  | 'left_room'
  | 'state_ids'
  | 'timeline_ids'
  | 'ephemeral'
  | 'account_data'
  /** Pages have numbers, so that they can be released in another order. */
  | `page ${number}`;

export interface HeldRecord {
  roomId: RoomId;
  bytes: Buffer;
}

/** A held record → what is written for it; it may also write bytes itself. */
export type ToPieces = (held: HeldRecord, index: number, sink: ByteSink) => Piece[];

/** A piece of the legacy answer, in the order in which the answer is written. */
export type Piece =
  /** JSON text. */
  | { kind: 'text'; text: string }
  /** The same as bytes, that nobody needed to read. */
  | { kind: 'bytes'; bytes: Buffer }
  /** The room's visibility, as a member of its object; undefined where it could not be had. */
  | { kind: 'visibility'; roomId: RoomId; toText: (visibility: 'public' | 'private' | undefined) => string }
  /** A record to be kept in its slot, in order. */
  | ({ kind: 'hold'; slot: HeldSlot } & HeldRecord)
  /** The slot's records go here, and the slot is empty again. */
  | { kind: 'release'; slot: HeldSlot; toPieces: ToPieces }
  /** The slot's records are not wanted after all. */
  | { kind: 'drop'; slot: HeldSlot }
  /** Enough was understood for the answer to begin. */
  | { kind: 'understood' };

export type Emit = (piece: Piece) => void;

/** The facts about the account that a room's translation needs. */
export interface AccountSoFar {
  /** Absent while the homeserver has not sent it: some send it last. */
  nextBatch(): SyncToken | undefined;
  /** Is called when a room is written, and returns the comma before it. */
  separatorOfRoom(): string;
}

export const textPiece = (text: string): Piece => ({ kind: 'text', text });

/** Bytes of a small value that is put together anew (of presence, of an invite) → the value; numbers keep their spelling. */
export function parseEvent<Event>(bytes: Buffer): Event {
  return parseExactly(bytes.toString()) as Event;
}

/**
 * A room's visibility → the member that follows others in its object.
 *
 * Differs: `visibility` is left out where the homeserver does not tell it in time. Natively it is always there.
 */
export function toVisibilityMember(visibility: 'public' | 'private' | undefined): string {
  return visibility === undefined ? '' : `,"visibility":"${visibility}"`;
}

/** A room's visibility → the member as draft A of v2_alpha has it. */
export function toPublishedMember(visibility: 'public' | 'private' | undefined): string {
  return visibility === undefined ? '' : `,"published":${visibility === 'public'}`;
}
