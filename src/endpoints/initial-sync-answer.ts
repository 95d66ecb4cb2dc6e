import { HomeserverUnavailable, MatrixError } from '../matrix/errors.ts';
import type { ClientEvent } from '../matrix/client-event.ts';
import type { RoomId } from '../matrix/identifiers.ts';
import { JsonReader } from '../stream/json-reader.ts';
import type { InitialSyncContext, Piece } from '../translate/initial-sync-piece.ts';
import { InitialSyncTranslation } from '../translate/initial-sync.ts';
import type { Spool } from './spool.ts';
import type { VisibilityWait } from './visibility-wait.ts';

export interface InitialSyncAnswerOptions {
  /** The homeserver's `/sync`, as it comes. */
  chunks: AsyncIterable<Buffer>;
  context: Omit<InitialSyncContext, 'inviteOf'>;
  spool: Spool;
  visibility: VisibilityWait;
  /** The whole invite events of rooms, where they can be had. */
  readInvites: (rooms: readonly RoomId[]) => Promise<Map<RoomId, ClientEvent>>;
}

/** Text is handed on in pieces of about this size: smaller ones cost a system call each. */
const CHUNK_LENGTH = 32 * 1024;

/**
 * The legacy answer, while the homeserver's comes in: a chunk is read when the ones before are taken.
 *
 * Yields nothing before enough was understood, so that an error until then still has its own status. Throws a 502 where
 * the homeserver's answer cannot be read.
 */
export async function* writeInitialSync(
  options: InitialSyncAnswerOptions,
): AsyncGenerator<string | Buffer, void> {
  const { spool, visibility } = options;
  let pieces: Piece[] = [];
  const invited: RoomId[] = [];
  let invites = new Map<RoomId, ClientEvent>();
  const context: InitialSyncContext = { ...options.context, inviteOf: (roomId) => invites.get(roomId) };
  const translation = new InitialSyncTranslation(context, (piece) => void pieces.push(piece));
  const reader = new JsonReader(translation);
  let text = '';
  let isUnderstood = false;

  for await (const chunk of options.chunks) {
    readOrRefuse(() => reader.push(chunk));
    yield* writePieces();
  }
  readOrRefuse(() => {
    reader.end();
    if (!translation.isComplete) throw new Error('the answer is no object');
  });
  yield* writePieces();
  yield text;

  async function* writePieces(): AsyncGenerator<string | Buffer, void> {
    const written = pieces;
    pieces = [];
    yield* write(written);
  }

  async function* write(toWrite: readonly Piece[]): AsyncGenerator<string | Buffer, void> {
    for (const piece of toWrite) {
      if (piece.kind === 'text') text += piece.text;
      else if (piece.kind === 'understood') isUnderstood = true;
      else yield* writeSpecial(piece);
      if (!isUnderstood || text.length < CHUNK_LENGTH) continue;
      yield text;
      text = '';
    }
  }

  async function* writeSpecial(
    piece: Exclude<Piece, { kind: 'text' | 'understood' }>,
  ): AsyncGenerator<string | Buffer, void> {
    switch (piece.kind) {
      case 'visibility':
        text += JSON.stringify(await visibility.of(piece.roomId));
        return;
      case 'hold':
        if (piece.slot === 'invites') invited.push(piece.roomId);
        return spool.hold(piece.slot, piece);
      case 'drop':
        return spool.drop(piece.slot);
      case 'bytes':
        yield text;
        yield piece.bytes;
        text = '';
        return;
      case 'release': {
        if (piece.slot === 'invites' && invited.length > 0) {
          visibility.askAhead(invited);
          invites = await options.readInvites(invited);
        }
        let index = 0;
        for await (const record of spool.release(piece.slot)) {
          yield* write(piece.toPieces(record, index));
          index += 1;
        }
      }
    }
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
