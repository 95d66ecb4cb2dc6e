import type { RoomId } from '../matrix/identifiers.ts';
import { ByteSink } from '../stream/byte-sink.ts';
import { COMMA } from '../stream/json-bytes.ts';
import type { AnswerOutput, HeldSlot } from './answer-output.ts';

/** Ids are handed to the spool in blocks of so many bytes, as a room may have more of them than memory should hold. */
const ID_BLOCK = 4 * 1024;
/** Most rooms of an account have few ids to tell, and there may be thousands of rooms. */
const FIRST_BYTES = 512;

/** A list of ids as JSON text, in the order in which they come; what is too much for memory waits in the spool. */
export class IdList {
  readonly #slot: HeldSlot;
  readonly #roomId: RoomId;
  readonly #out: AnswerOutput;
  readonly #block = new ByteSink(FIRST_BYTES);
  #isEmpty = true;

  constructor(slot: 'state_ids' | 'timeline_ids', roomId: RoomId, out: AnswerOutput) {
    this.#out = out;
    this.#slot = slot;
    this.#roomId = roomId;
  }

  add(idText: string): void {
    if (!this.#isEmpty) this.#block.byte(COMMA);
    this.#isEmpty = false;
    this.#block.text(idText);
    if (this.#block.length >= ID_BLOCK)
      this.#out.hold(this.#slot, this.#roomId, Buffer.from(this.#block.drain()));
  }

  write(): void {
    this.#out.release(this.#slot, ({ bytes }, _index, out) => out.record(bytes));
    this.#out.bytes(this.#block.drain());
  }
}
