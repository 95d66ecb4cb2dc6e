import { isTransient, retryAfterOf } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import type { Clock } from '../scheduling/clock.ts';

/** The pause before the first repetition, doubled with each. */
const SHORTEST_PAUSE_MS = 50;
/** A homeserver's restart takes minutes; so soon after it polls go on. */
const LONGEST_BACKOFF_MS = 5000;

/** How long a request may still wait for a homeserver that fails: until the client's own deadline. */
export interface RetryBudget {
  /** Returns the time until the deadline; 0 from then on. */
  leftMs(): Milliseconds;
  /**
   * Repeats work that fails in a way that may pass (homeserver down, 5xx, 429), each time after a longer pause and not
   * before a 429 allows it. Throws other failures at once, and the last one at the deadline.
   */
  retryUntilDeadline<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Starts a budget of `timeoutMs`. With 0 there is none: each failure is thrown at once. */
export function createRetryBudget(timeoutMs: Milliseconds, clock: Clock, signal: AbortSignal): RetryBudget {
  const deadline = clock.now() + timeoutMs;
  const leftMs = () => Math.max(0, deadline - clock.now());
  return {
    leftMs,
    retryUntilDeadline: async (work) => {
      for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_BACKOFF_MS)) {
        try {
          return await work();
        } catch (error) {
          signal.throwIfAborted();
          if (!isTransient(error) || leftMs() === 0) throw error;
          await clock.sleep(Math.min(Math.max(pauseMs, retryAfterOf(error) ?? 0), leftMs()), signal);
          if (leftMs() === 0) throw error;
        }
      }
    },
  };
}
