import PQueue from 'p-queue';
import { MatrixError } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';

/** The turn-taking of the most expensive request there is. */
export interface InitialSyncQueue {
  /** Waits for a turn; resolves with what ends it. Throws a 429 when it takes too long, or the signal's reason. */
  enter(signal: AbortSignal): Promise<() => void>;
  readonly running: number;
  readonly waiting: number;
}

const RETRY_AFTER_MS = 10_000;

/** At most so many initial syncs at once; an old client takes one refusal as final, so the others wait first. */
export function createInitialSyncQueue(options: {
  maxInitialSyncs: number;
  initialSyncQueueMs: Milliseconds;
}): InitialSyncQueue {
  const queue = new PQueue({ concurrency: options.maxInitialSyncs });

  function enter(signal: AbortSignal): Promise<() => void> {
    const tooLong = new AbortController();
    const timer = setTimeout(() => tooLong.abort(tooMany()), options.initialSyncQueueMs);
    return new Promise((resolve, reject) => {
      const turn = async (): Promise<void> => {
        clearTimeout(timer);
        await new Promise<void>((leave) => resolve(leave));
      };
      queue.add(turn, { signal: AbortSignal.any([signal, tooLong.signal]) }).catch((error: unknown) => {
        clearTimeout(timer);
        reject(error);
      });
    });
  }

  return {
    enter,
    get running() {
      return queue.pending;
    },
    get waiting() {
      return queue.size;
    },
  };
}

const tooMany = (): MatrixError =>
  new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many initial syncs at once, try again later', {
    retry_after_ms: RETRY_AFTER_MS,
  });
