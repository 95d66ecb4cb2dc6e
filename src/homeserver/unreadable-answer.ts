import { HomeserverUnavailable, MatrixError } from '../matrix/errors.ts';
import { JsonReaderError } from '../stream/json-reader.ts';

/** Reads something of a homeserver's answer; throws a 502 where it cannot be read. */
export function readOrRefuse<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw error instanceof MatrixError ? error : unreadable(error);
  }
}

/** Gives the same pieces; throws a 502 where the answer that they are made of cannot be read. */
export async function* piecesOrRefuse<Piece, Result>(
  pieces: AsyncGenerator<Piece, Result>,
): AsyncGenerator<Piece, Result> {
  try {
    return yield* pieces;
  } catch (error) {
    throw error instanceof JsonReaderError || error instanceof SyntaxError ? unreadable(error) : error;
  }
}

/** Makes the 502 for an answer that cannot be read. */
export const unreadable = (cause: unknown): HomeserverUnavailable =>
  new HomeserverUnavailable(502, "The homeserver's answer cannot be read", { cause });
