import type { RoomId } from '../matrix/identifiers.ts';
import { ByteSink } from '../stream/byte-sink.ts';

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

export type Visibility = 'public' | 'private' | undefined;

/** A mark stands among the bytes of an answer for what takes time, or must wait. */
export type Mark =
  | { kind: 'visibility'; roomId: RoomId; toText: (visibility: Visibility) => string }
  | { kind: 'large'; bytes: Buffer }
  | ({ kind: 'hold'; slot: HeldSlot } & HeldRecord)
  | { kind: 'release'; slot: HeldSlot; write: WriteHeld }
  | { kind: 'drop'; slot: HeldSlot };

/** Writes a held record, the `index`th of its slot. */
export type WriteHeld = (held: HeldRecord, index: number, out: AnswerOutput) => void;

/** A record of so many bytes is handed on as it is. */
const LARGE_BYTES = 64 * 1024;

/**
 * An output takes what a translation writes: text and bytes, and among them, in order, marks for what whoever sends the answer
 * must wait for or look up.
 */
export class AnswerOutput extends ByteSink {
  /** Whether enough was understood for the answer to begin. */
  isUnderstood = false;
  #marks: { at: number; mark: Mark }[] = [];

  understood(): void {
    this.isUnderstood = true;
  }

  /** The room's visibility goes here, as a member of its object; undefined where it could not be had. */
  visibility(roomId: RoomId, toText: (visibility: Visibility) => string): void {
    this.#mark({ kind: 'visibility', roomId, toText });
  }

  /** Keeps a record in its slot, in order. */
  hold(slot: HeldSlot, roomId: RoomId, bytes: Buffer): void {
    this.#mark({ kind: 'hold', slot, roomId, bytes });
  }

  /** The slot's records go here, and the slot is empty again. */
  release(slot: HeldSlot, write: WriteHeld): void {
    this.#mark({ kind: 'release', slot, write });
  }

  /** The slot's records are not wanted after all. */
  drop(slot: HeldSlot): void {
    this.#mark({ kind: 'drop', slot });
  }

  /** A held record as it is; a large one is not copied. */
  record(bytes: Buffer): void {
    if (bytes.length < LARGE_BYTES) this.bytes(bytes);
    else this.#mark({ kind: 'large', bytes });
  }

  /** The marks so far, each with how many bytes stand before it; there are none afterwards. */
  takeMarks(): { at: number; mark: Mark }[] {
    if (this.#marks.length === 0) return NO_MARKS;
    const marks = this.#marks;
    this.#marks = [];
    return marks;
  }

  #mark(mark: Mark): void {
    this.#marks.push({ at: this.length, mark });
  }
}

const NO_MARKS: { at: number; mark: Mark }[] = [];
