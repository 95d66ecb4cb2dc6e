import { HomeserverUnavailable, MatrixError } from '../matrix/errors.ts';
import type { ClientEvent } from '../matrix/client-event.ts';
import type { RoomId } from '../matrix/identifiers.ts';
import { ByteSink } from '../stream/byte-sink.ts';
import { JsonReader } from '../stream/json-reader.ts';
import type { InitialSyncContext, Piece } from '../translate/initial-sync-piece.ts';
import { InitialSyncTranslation } from '../translate/initial-sync.ts';
import type { Spool } from './spool.ts';
import type { VisibilityWait } from './visibility-wait.ts';

export interface InitialSyncAnswerOptions {
  /** The homeserver's `/sync`, as it comes. */
  chunks: AsyncIterable<Buffer>;
  context: Omit<InitialSyncContext, 'inviteOf' | 'sink'>;
  spool: Spool;
  visibility: VisibilityWait;
  /** The whole invite events of rooms, where they can be had. */
  readInvites: (rooms: readonly RoomId[]) => Promise<Map<RoomId, ClientEvent>>;
}

/** A piece that takes time, or that must wait. */
type SlowPiece = Exclude<Piece, { kind: 'text' | 'bytes' | 'understood' }>;

/** Bytes are handed on in pieces of about this size: smaller ones cost a system call each. */
const CHUNK_BYTES = 64 * 1024;

/**
 * The legacy answer, while the homeserver's comes in: a chunk is read when the ones before are taken.
 *
 * Yields nothing before enough was understood, so that an error until then still has its own status. Each piece is good
 * until the next one is asked for. Throws a 502 where the homeserver's answer cannot be read.
 */
export async function* writeInitialSync(options: InitialSyncAnswerOptions): AsyncGenerator<Buffer, void> {
  const { spool, visibility } = options;
  const invited: RoomId[] = [];
  let invites = new Map<RoomId, ClientEvent>();
  let isUnderstood = false;
  /** What the translation wrote of the homeserver's last chunk, and the slow pieces that stand among it. */
  const translated = new ByteSink(2 * CHUNK_BYTES);
  let slow: { at: number; piece: SlowPiece }[] = [];
  /** What is next to be sent. */
  const out = new ByteSink(2 * CHUNK_BYTES);

  const context = {
    ...options.context,
    inviteOf: (roomId: RoomId) => invites.get(roomId),
    sink: translated,
  };
  const translation = new InitialSyncTranslation(context, (piece) => {
    if (piece.kind === 'text') translated.text(piece.text);
    else if (piece.kind === 'bytes') translated.bytes(piece.bytes);
    else if (piece.kind === 'understood') isUnderstood = true;
    else slow.push({ at: translated.length, piece });
  });
  const reader = new JsonReader(translation);

  for await (const chunk of options.chunks) {
    readOrRefuse(() => reader.push(chunk));
    yield* writeTranslated();
  }
  readOrRefuse(() => {
    reader.end();
    if (!translation.isComplete) throw new Error('the answer is no object');
  });
  yield* writeTranslated();
  yield out.drain();

  async function* writeTranslated(): AsyncGenerator<Buffer, void> {
    const pieces = slow;
    slow = [];
    const bytes = translated.drain();
    let start = 0;
    for (const { at, piece } of pieces) {
      out.range(bytes, start, at);
      start = at;
      yield* writeSlow(piece);
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
        out.text(JSON.stringify(await visibility.of(piece.roomId)));
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
          yield* write(piece.toPieces(record, index, out));
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

function readOrRefuse(read: () => void): void {
  try {
    read();
  } catch (cause) {
    if (cause instanceof MatrixError) throw cause;
    throw new HomeserverUnavailable(502, "The homeserver's answer cannot be read", { cause });
  }
}
