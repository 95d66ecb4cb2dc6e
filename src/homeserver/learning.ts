// What the gateway knows about the homeserver as a whole (prefixes, media, sliding sync, its kind) is never learnt for
// good: the homeserver may start later than the gateway, and may be upgraded or replaced under it.

import type { Clock } from '../scheduling/clock.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';

export interface Learning {
  /** Begins to ask: until the homeserver was heard, and from then on now and then. */
  start(): void;
  /** An answer contradicted what is known, or the homeserver was away: it is asked soon. */
  doubt(): void;
  /** Ends it, with what is under way. */
  stop(): void;
}

export interface LearningOptions {
  /** Asks the homeserver. Resolves with whether anything changed; rejects where it was not heard. */
  learn: (signal: AbortSignal) => Promise<boolean>;
  clock: Clock;
  /** Is told of the first of several failures in a row. */
  onFailure?: (error: unknown) => void;
}

/** Either of the two may be started first: a homeserver that comes up a moment later is found at once. */
const FIRST_PAUSE_MS: Milliseconds = 500;
/** Between two attempts while the homeserver is away. */
const LONGEST_PAUSE_MS: Milliseconds = 15_000;
/** Between two questions while all is well. */
const PERIOD_MS: Milliseconds = 5 * 60_000;
/** Between two doubts that turn out unfounded: some homeservers lack endpoints for ever. */
const LONGEST_DOUBT_PAUSE_MS: Milliseconds = 60_000;
/** A homeserver that takes longer to say what it is counts as not heard. */
const DEADLINE_MS: Milliseconds = 10_000;

/** Asks about the homeserver again and again, each pause by what the question before it brought. */
export function createLearning({ learn, clock, onFailure }: LearningOptions): Learning {
  const stopped = new AbortController();
  let doubted = new AbortController();
  let hasStarted = false;

  async function ask(wasHeard: boolean): Promise<{ isHeard: boolean; hasChanged: boolean }> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    try {
      return { isHeard: true, hasChanged: await learn(AbortSignal.any([stopped.signal, deadline])) };
    } catch (error) {
      if (wasHeard && !stopped.signal.aborted) onFailure?.(error);
      return { isHeard: false, hasChanged: false };
    }
  }

  async function run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    for (let wasHeard = true; !stopped.signal.aborted;) {
      doubted = new AbortController();
      const { isHeard, hasChanged } = await ask(wasHeard);
      pauseMs = isHeard !== wasHeard || hasChanged ? FIRST_PAUSE_MS : pauseMs * 2;
      wasHeard = isHeard;
      if (!isHeard) pauseMs = Math.min(pauseMs, LONGEST_PAUSE_MS);
      await clock.sleep(Math.min(pauseMs, LONGEST_DOUBT_PAUSE_MS), stopped.signal);
      if (isHeard && !(await isDoubtedWithin(PERIOD_MS))) pauseMs = FIRST_PAUSE_MS;
    }
  }

  async function isDoubtedWithin(atMostMs: Milliseconds): Promise<boolean> {
    const over = AbortSignal.any([stopped.signal, doubted.signal]);
    await clock.sleep(atMostMs, over).catch(() => stopped.signal.throwIfAborted());
    return doubted.signal.aborted;
  }

  return {
    start: () => {
      if (hasStarted) return;
      hasStarted = true;
      // Only the end of all learning ends it.
      run().catch(() => undefined);
    },
    doubt: () => doubted.abort(),
    stop: () => stopped.abort(),
  };
}
