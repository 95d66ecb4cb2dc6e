import type { MatrixError } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';

/** A keeper of turns shares scarce work: so many turns at once, so many of them of one owner. */
export interface Turns {
  /**
   * Waits for a turn of `owner`; resolves with what ends it, which may be called twice. Throws the signal's reason, and
   * the refusal where the turn does not come in time.
   */
  enter(owner: unknown, signal: AbortSignal): Promise<() => void>;
  readonly running: number;
  readonly waiting: number;
}

interface Owner {
  running: number;
  /** The owner's requests that wait, in the order in which they came. */
  waiting: Set<() => void>;
}

/**
 * Builds a keeper of turns.
 *
 * The order: an owner's own requests in the order in which they came; between owners in rotation, as an owner whose turn
 * began goes behind all the others who wait. So who asks for a thousand turns delays another one by one turn, not by a
 * thousand. An owner that has `mostOfOne` turns waits for one of its own to end, and nobody waits for it.
 */
export function createTurns(options: {
  most: number;
  mostOfOne: number;
  /** How long a turn is waited for; for ever where it is not given. */
  waitMs?: Milliseconds;
  refusal?: () => MatrixError;
}): Turns {
  const { most, mostOfOne, waitMs, refusal } = options;
  const owners = new Map<unknown, Owner>();
  /** Who waits and may have a turn more, the next one first. */
  const ready = new Set<Owner>();
  let running = 0;
  let waiting = 0;

  function ownerOf(key: unknown): Owner {
    const known = owners.get(key);
    if (known !== undefined) return known;
    const owner: Owner = { running: 0, waiting: new Set() };
    owners.set(key, owner);
    return owner;
  }

  function updateReady(owner: Owner): void {
    if (owner.waiting.size > 0 && owner.running < mostOfOne) ready.add(owner);
    else ready.delete(owner);
  }

  function giveTurns(): void {
    for (const owner of ready) {
      if (running >= most) return;
      const [begin] = owner.waiting;
      ready.delete(owner);
      if (begin === undefined) continue;
      owner.waiting.delete(begin);
      waiting -= 1;
      owner.running += 1;
      running += 1;
      // The owner goes behind the others; iterating a set also gives what is put in meanwhile.
      updateReady(owner);
      begin();
    }
  }

  function end(key: unknown, owner: Owner): void {
    owner.running -= 1;
    running -= 1;
    forgetIfIdle(key, owner);
    updateReady(owner);
    giveTurns();
  }

  function forgetIfIdle(key: unknown, owner: Owner): void {
    if (owner.running === 0 && owner.waiting.size === 0) owners.delete(key);
  }

  function enter(key: unknown, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const owner = ownerOf(key);
      const giveUp = (reason: unknown): void => {
        stopWaiting();
        owner.waiting.delete(begin);
        waiting -= 1;
        updateReady(owner);
        forgetIfIdle(key, owner);
        reject(reason as Error);
      };
      const onAbort = (): void => giveUp(signal.reason);
      const timer =
        waitMs === undefined || refusal === undefined
          ? undefined
          : setTimeout(() => giveUp(refusal()), waitMs);
      const stopWaiting = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      const begin = (): void => {
        stopWaiting();
        let hasEnded = false;
        resolve(() => {
          if (hasEnded) return;
          hasEnded = true;
          end(key, owner);
        });
      };
      signal.addEventListener('abort', onAbort);
      owner.waiting.add(begin);
      waiting += 1;
      updateReady(owner);
      giveTurns();
    });
  }

  return {
    enter,
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
  };
}
