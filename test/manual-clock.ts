// A clock that stands still until a test moves it.

import type { Clock } from '../src/scheduling/clock.ts';
import type { Milliseconds } from '../src/matrix/identifiers.ts';

interface Sleeper {
  at: Milliseconds;
  wake: () => void;
}

export class ManualClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<Sleeper>();

  now(): Milliseconds {
    return this.#now;
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(durationMs: Milliseconds, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const sleeper = {
        at: this.#now + durationMs,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason as Error);
      });
    });
  }

  /** Moves on, waking sleepers in their order, each when its time has come. */
  async advance(durationMs: Milliseconds): Promise<void> {
    const end = this.#now + durationMs;
    for (;;) {
      await settled();
      const [first] = [...this.#sleepers].toSorted((a, b) => a.at - b.at);
      if (first === undefined || first.at > end) break;
      this.#now = Math.max(this.#now, first.at);
      first.wake();
    }
    this.#now = end;
    await settled();
  }
}

/** Lets everything go on that waits for no clock. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
