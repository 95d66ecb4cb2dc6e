import { createTurns, type Turns } from '../../scheduling/turns.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';

/** The turns at the most expensive request there is; their owner is the session. */
export type InitialSyncQueue = Turns;

/** A session has two turns: for its request, and for one that its client gave up and sent again. */
const MOST_OF_ONE = 2;
/** An initial sync takes seconds to minutes: asking again sooner would find the same queue. */
const RETRY_AFTER_MS = 10_000;

/** Allows so many initial syncs at once. An old client takes one refusal as final, so the others wait first. */
export function createInitialSyncQueue(options: {
  maxInitialSyncs: number;
  initialSyncQueueMs: Milliseconds;
}): InitialSyncQueue {
  const { maxInitialSyncs: most, initialSyncQueueMs: waitMs } = options;
  return createTurns({
    most,
    mostOfOne: most === Infinity ? Infinity : MOST_OF_ONE,
    waitMs,
    refusal: () =>
      new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many initial syncs at once, try again later', {
        retry_after_ms: RETRY_AFTER_MS,
      }),
  });
}
