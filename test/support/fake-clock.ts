// A clock that stands still until a test moves it.

import type { Clock } from '../../src/scheduling/clock.ts';
import type { Milliseconds } from '../../src/matrix/identifiers.ts';

interface Sleeper {
  until: Milliseconds;
  wake: () => void;
}

export class FakeClock implements Clock {
  #now: Milliseconds = 0;
  #sleepers = new Set<Sleeper>();

  now = (): Milliseconds => this.#now;

  sleep = (durationMs: Milliseconds, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const sleeper: Sleeper = { until: this.#now + durationMs, wake: () => end(resolve) };
      const aborted = (): void => end(() => reject(signal.reason as Error));
      const end = (how: () => void): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener('abort', aborted);
        how();
      };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', aborted);
    });

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Lets time pass, and whoever wakes do what there is to do, one after the other. */
  async pass(durationMs: Milliseconds): Promise<void> {
    const until = this.#now + durationMs;
    await settled();
    for (;;) {
      const [next] = [...this.#sleepers].toSorted((one, other) => one.until - other.until);
      if (next === undefined || next.until > until) break;
      this.#now = next.until;
      next.wake();
      await settled();
    }
    this.#now = until;
  }
}

/** When all that can be done without waiting for time or the network was done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
