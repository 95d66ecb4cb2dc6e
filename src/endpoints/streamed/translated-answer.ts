import { readOrRefuse } from '../../homeserver/unreadable-answer.ts';
import type { IsSyncToken } from '../../homeserver/kinds/sync-token.ts';
import type { ClientEvent } from '../../matrix/client-event.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { JsonReader } from '../../stream/json-reader.ts';
import { AnswerOutput, type Mark } from '../../translate/answer-output.ts';
import { CheckedSync } from '../../translate/sync-shape.ts';
import type { StreamTranslation, TranslationContext } from '../../translate/translated-sync.ts';
import type { Spool } from './spool.ts';
import type { VisibilityWait } from './visibility-wait.ts';

export interface TranslatedAnswerOptions {
  /** The homeserver's `/sync`, as it comes. */
  chunks: AsyncIterable<Buffer>;
  isSyncToken: IsSyncToken;
  /** Makes what writes to `out`; `inviteOf` knows the whole invite events from the time on that the held ones are released. */
  translate: (out: AnswerOutput, inviteOf: TranslationContext['inviteOf']) => StreamTranslation;
  spool: Spool;
  visibility: VisibilityWait;
  /** The whole invite events of rooms, where they can be had. */
  readInvites: (rooms: readonly RoomId[]) => Promise<Map<RoomId, ClientEvent>>;
}

/** Bytes are handed on in pieces of about this size: smaller ones cost a system call each. */
const CHUNK_BYTES = 64 * 1024;

/**
 * The translated answer, while the homeserver's comes in: a chunk is read when the ones before are taken.
 *
 * Yields nothing before enough was understood, so that an error until then still has its own status. Each piece is good
 * until the next one is asked for. Throws a 502 where the homeserver's answer cannot be read.
 */
export function writeTranslated(options: TranslatedAnswerOptions): AsyncGenerator<Buffer, void> {
  return new TranslatedAnswer(options).write();
}

class TranslatedAnswer {
  readonly #options: TranslatedAnswerOptions;
  readonly #invited: RoomId[] = [];
  #invites = new Map<RoomId, ClientEvent>();
  /** The translation of the homeserver's last chunk. */
  readonly #translated = new AnswerOutput(2 * CHUNK_BYTES);
  /** Holds what is sent next. */
  readonly #out = new AnswerOutput(2 * CHUNK_BYTES);

  constructor(options: TranslatedAnswerOptions) {
    this.#options = options;
  }

  async *write(): AsyncGenerator<Buffer, void> {
    const translation = this.#options.translate(this.#translated, (roomId) => this.#invites.get(roomId));
    const reader = new JsonReader(new CheckedSync(translation.visitor, this.#options.isSyncToken));
    for await (const chunk of this.#options.chunks) {
      readOrRefuse(() => reader.push(chunk));
      yield* this.#writeChunk();
    }
    readOrRefuse(() => {
      reader.end();
      if (!translation.isComplete) throw new Error('the answer is no object');
    });
    yield* this.#writeChunk();
    yield this.#out.drain();
  }

  async *#writeChunk(): AsyncGenerator<Buffer, void> {
    const marks = this.#translated.takeMarks();
    const bytes = this.#translated.drain();
    const isWholeChunk = marks.length === 0 && this.#out.length === 0 && bytes.length >= CHUNK_BYTES;
    // Most chunks are state and nothing else, and need no second copy.
    if (this.#translated.isUnderstood && isWholeChunk) {
      yield bytes;
      return;
    }
    yield* this.#writeMarked(bytes, marks);
    yield* this.#send();
  }

  async *#writeMarked(
    bytes: Buffer,
    marks: readonly { at: number; mark: Mark }[],
  ): AsyncGenerator<Buffer, void> {
    let start = 0;
    for (const { at, mark } of marks) {
      this.#out.range(bytes, start, at);
      start = at;
      yield* this.#writeMark(mark);
    }
    this.#out.range(bytes, start, bytes.length);
  }

  async *#writeMark(mark: Mark): AsyncGenerator<Buffer, void> {
    const { spool, visibility } = this.#options;
    switch (mark.kind) {
      case 'visibility':
        this.#out.text(mark.toText(await visibility.of(mark.roomId)));
        return;
      case 'large':
        yield* this.#writeLarge(mark.bytes);
        return;
      case 'hold':
        if (mark.slot === 'invites') this.#invited.push(mark.roomId);
        return spool.hold(mark.slot, mark);
      case 'drop':
        return spool.drop(mark.slot);
      case 'release':
        if (mark.slot === 'invites') await this.#learnInvites();
        yield* this.#release(mark);
    }
  }

  async *#release({ slot, write }: Mark & { kind: 'release' }): AsyncGenerator<Buffer, void> {
    let index = 0;
    for await (const record of this.#options.spool.release(slot)) {
      const start = this.#out.length;
      readOrRefuse(() => write(record, index, this.#out));
      const marks = this.#out.takeMarks();
      // What stands behind a mark is written again, when it is its turn.
      if (marks.length > 0)
        yield* this.#writeMarked(
          this.#out.cut(start),
          marks.map(({ at, mark }) => ({ at: at - start, mark })),
        );
      index += 1;
      yield* this.#send();
    }
  }

  async #learnInvites(): Promise<void> {
    if (this.#invited.length === 0) return;
    this.#options.visibility.askAhead(this.#invited);
    this.#invites = await this.#options.readInvites(this.#invited);
  }

  *#writeLarge(bytes: Buffer): Generator<Buffer, void> {
    if (this.#out.length > 0) yield this.#out.drain();
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
  }

  *#send(): Generator<Buffer, void> {
    if (this.#translated.isUnderstood && this.#out.length >= CHUNK_BYTES) yield this.#out.drain();
  }
}
