import { createTurns, type Turns } from '../scheduling/turns.ts';
import { MatrixError } from '../matrix/errors.ts';

/**
 * The turns at reading a room's history for one answer: catch-ups and room snapshots. Their owner is the session. A poll
 * whose turn does not come is answered with an empty chunk and its own token, as with any failure that passes.
 */
export function createReadTurns(): Turns {
  return createTurns({
    most: 32,
    mostOfOne: 2,
    waitMs: 60_000,
    refusal: () =>
      new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many rooms are read at once, try again later', {
        retry_after_ms: 10_000,
      }),
  });
}
