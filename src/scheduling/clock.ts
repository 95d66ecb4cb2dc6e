import { setTimeout } from 'node:timers/promises';
import type { Milliseconds } from '../matrix/identifiers.ts';

/** Time as a dependency, so that tests need no sleeps. */
export interface Clock {
  /** Returns the milliseconds since 1970. */
  now(): Milliseconds;
  /** Rejects with the signal's reason as soon as it aborts. */
  sleep(durationMs: Milliseconds, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (durationMs, signal) => {
    signal.throwIfAborted();
    // Only the listeners keep the process alive, never something that waits.
    await setTimeout(durationMs, undefined, { signal, ref: false }).catch(() => signal.throwIfAborted());
  },
};
