import type { IsSyncToken } from '../../homeserver/kinds/sync-token.ts';
import { readOrRefuse } from '../../homeserver/unreadable-answer.ts';
import type { ClientEvent } from '../../matrix/client-event.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { ByteSink } from '../../stream/byte-sink.ts';
import { JsonReader, type JsonVisitor } from '../../stream/json-reader.ts';
import type { Emit, Piece } from '../../translate/initial-sync-piece.ts';
import { CheckedSync } from '../../translate/sync-shape.ts';
import type { Spool } from './spool.ts';
import type { VisibilityWait } from './visibility-wait.ts';

/** What reads the homeserver's answer, value by value, and emits the pieces of the client's. */
export interface StreamTranslation extends JsonVisitor {
  /** Whether the whole answer was given. */
  readonly isComplete: boolean;
}

export interface TranslatedAnswerOptions {
  /** The homeserver's `/sync`, as it comes. */
  chunks: AsyncIterable<Buffer>;
  isSyncToken: IsSyncToken;
  createTranslation: (io: TranslationIo) => StreamTranslation;
  spool: Spool;
  visibility: VisibilityWait;
  /** The whole invite events of rooms, where they can be had. */
  readInvites: (rooms: readonly RoomId[]) => Promise<Map<RoomId, ClientEvent>>;
}

/** What a translation writes to, and what it may ask. */
export interface TranslationIo {
  emit: Emit;
  /** Where bytes can be written without a piece of their own, in order with the pieces of text. */
  sink: ByteSink;
  /** Known from the time on that the held invites are released. */
  inviteOf: (roomId: RoomId) => ClientEvent | undefined;
}

/** A piece that takes time, or that must wait. */
type SlowPiece = Exclude<Piece, { kind: 'text' | 'bytes' | 'understood' }>;

/** Bytes are handed on in pieces of about this size: smaller ones cost a system call each. */
const CHUNK_BYTES = 64 * 1024;

/**
 * The translated answer, while the homeserver's comes in: a chunk is read when the ones before are taken.
 *
 * Yields nothing before enough was understood, so that an error until then still has its own status. Each piece is good
 * until the next one is asked for. Throws a 502 where the homeserver's answer cannot be read.
 */
export async function* writeTranslated(options: TranslatedAnswerOptions): AsyncGenerator<Buffer, void> {
  const { spool, visibility } = options;
  const invited: RoomId[] = [];
  let invites = new Map<RoomId, ClientEvent>();
  let isUnderstood = false;
  /** What the translation wrote of the homeserver's last chunk, and the slow pieces that stand among it. */
  const translated = new ByteSink(2 * CHUNK_BYTES);
  let slow: { at: number; piece: SlowPiece }[] = [];
  /** What is next to be sent. */
  const out = new ByteSink(2 * CHUNK_BYTES);

  const translation = options.createTranslation({
    emit: (piece) => {
      if (piece.kind === 'text') translated.text(piece.text);
      else if (piece.kind === 'bytes') translated.bytes(piece.bytes);
      else if (piece.kind === 'understood') isUnderstood = true;
      else slow.push({ at: translated.length, piece });
    },
    sink: translated,
    inviteOf: (roomId) => invites.get(roomId),
  });
  const reader = new JsonReader(new CheckedSync(translation, options.isSyncToken));

  for await (const chunk of options.chunks) {
    readOrRefuse(() => reader.push(chunk));
    yield* writeChunk();
  }
  readOrRefuse(() => {
    reader.end();
    if (!translation.isComplete) throw new Error('the answer is no object');
  });
  yield* writeChunk();
  yield out.drain();

  async function* writeChunk(): AsyncGenerator<Buffer, void> {
    const pieces = slow;
    slow = [];
    const bytes = translated.drain();
    let start = 0;
    for (const { at, piece } of pieces) {
      out.range(bytes, start, at);
      start = at;
      yield* writeSlow(piece);
    }
    const isWholeChunk = start === 0 && out.length === 0 && bytes.length >= CHUNK_BYTES;
    // Most chunks are state and nothing else, and need no second copy.
    if (isUnderstood && isWholeChunk) {
      yield bytes;
      return;
    }
    out.range(bytes, start, bytes.length);
    yield* send();
  }

  async function* write(pieces: readonly Piece[]): AsyncGenerator<Buffer, void> {
    for (const piece of pieces) {
      if (piece.kind === 'text') out.text(piece.text);
      else if (piece.kind === 'bytes') yield* writeBytes(piece.bytes);
      else if (piece.kind !== 'understood') yield* writeSlow(piece);
    }
  }

  async function* writeBytes(bytes: Buffer): AsyncGenerator<Buffer, void> {
    if (bytes.length < CHUNK_BYTES) {
      out.bytes(bytes);
      return;
    }
    if (out.length > 0) yield out.drain();
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
  }

  async function* writeSlow(piece: SlowPiece): AsyncGenerator<Buffer, void> {
    switch (piece.kind) {
      case 'visibility':
        out.text(piece.toText(await visibility.of(piece.roomId)));
        return;
      case 'hold':
        if (piece.slot === 'invites') invited.push(piece.roomId);
        return spool.hold(piece.slot, piece);
      case 'drop':
        return spool.drop(piece.slot);
      case 'release': {
        if (piece.slot === 'invites' && invited.length > 0) {
          visibility.askAhead(invited);
          invites = await options.readInvites(invited);
        }
        let index = 0;
        for await (const record of spool.release(piece.slot)) {
          yield* write(readOrRefuse(() => piece.toPieces(record, index, out)));
          index += 1;
          yield* send();
        }
      }
    }
  }

  function* send(): Generator<Buffer, void> {
    if (isUnderstood && out.length >= CHUNK_BYTES) yield out.drain();
  }
}
