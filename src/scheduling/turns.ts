import type { MatrixError } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';

/** Turns at work that is scarce: so many at once, so many of them of one owner. */
export interface Turns {
  /**
   * Waits for a turn of `owner`; resolves with what ends it, which may be called twice. Throws the signal's reason, and
   * the refusal where the turn does not come in time.
   */
  enter(owner: unknown, signal: AbortSignal): Promise<() => void>;
  /**
   * Does the same for callers that cannot wait for a promise: calls `start` when the turn comes, often at once, or
   * `refuse`. Gives a function that is to be called when the turn is over, or is not wanted any more; also after
   * `refuse`.
   */
  ask(owner: unknown, start: () => void, refuse: (error: Error) => void): () => void;
  /**
   * Does the same without waiting, and without making anything: true where a turn was free, which `leave` then ends.
   */
  tryEnter(owner: unknown): boolean;
  leave(owner: unknown): void;
  readonly running: number;
  readonly waiting: number;
}

export interface TurnsOptions {
  most: number;
  /** One owner has at most so many of `most`. */
  mostOfOne: number | ((owner: unknown) => number);
  /** How long a turn is waited for; for ever where it is not given. */
  waitMs?: Milliseconds;
  refusal?: () => MatrixError;
}

/** Who waits for a turn, until `start` or `refuse` is called. */
interface Waiting {
  owner: unknown;
  start: () => void;
  timer?: NodeJS.Timeout;
}

/**
 * Builds a keeper of turns.
 *
 * The order: an owner's own requests in the order in which they came; between owners in rotation, as an owner whose turn
 * began goes behind all the others who wait. So who asks for a thousand turns delays another one by one turn, not by a
 * thousand. An owner that has as many turns as it may waits for one of its own to end, and nobody waits for it.
 */
export function createTurns(options: TurnsOptions): Turns {
  return new TurnKeeper(options);
}

class TurnKeeper implements Turns {
  readonly #options: TurnsOptions;
  readonly #runningOf = new Map<unknown, number>();
  /** Those who wait, by their owner, in the order in which they came. */
  readonly #queues = new Map<unknown, Set<Waiting>>();
  /** Owners who wait and may have a turn more, the next one first. */
  readonly #ready = new Set<unknown>();
  running = 0;
  waiting = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  enter(owner: unknown, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const stopListening = (): void => signal.removeEventListener('abort', onAbort);
      const onAbort = (): void => {
        stopListening();
        end();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort);
      const start = (): void => {
        stopListening();
        resolve(() => end());
      };
      const refuse = (error: Error): void => {
        stopListening();
        reject(error);
      };
      const end = this.ask(owner, start, refuse);
    });
  }

  ask(owner: unknown, start: () => void, refuse: (error: Error) => void): () => void {
    let isOver = false;
    const onceOnly = (end: () => void) => (): void => {
      if (!isOver) end();
      isOver = true;
    };
    if (this.tryEnter(owner)) {
      start();
      return onceOnly(() => this.leave(owner));
    }
    const one: Waiting = { owner, start };
    const { waitMs, refusal } = this.#options;
    if (waitMs !== undefined && refusal !== undefined)
      one.timer = setTimeout(() => {
        if (!this.#forget(one)) return;
        isOver = true;
        refuse(refusal());
      }, waitMs);
    this.#queues.set(owner, (this.#queues.get(owner) ?? new Set()).add(one));
    this.waiting += 1;
    this.#updateReady(owner);
    return onceOnly(() => {
      if (!this.#forget(one)) this.leave(owner);
    });
  }

  tryEnter(owner: unknown): boolean {
    const isFree = this.running < this.#options.most && this.#mayHaveMore(owner);
    if (isFree) this.#begin(owner);
    return isFree;
  }

  leave(owner: unknown): void {
    this.running -= 1;
    const left = (this.#runningOf.get(owner) ?? 0) - 1;
    if (left > 0) this.#runningOf.set(owner, left);
    else this.#runningOf.delete(owner);
    this.#updateReady(owner);
    this.#giveTurns();
  }

  #mayHaveMore(owner: unknown): boolean {
    const { mostOfOne } = this.#options;
    const most = typeof mostOfOne === 'number' ? mostOfOne : mostOfOne(owner);
    return (this.#runningOf.get(owner) ?? 0) < most;
  }

  #begin(owner: unknown): void {
    this.running += 1;
    this.#runningOf.set(owner, (this.#runningOf.get(owner) ?? 0) + 1);
  }

  #updateReady(owner: unknown): void {
    if (this.#queues.has(owner) && this.#mayHaveMore(owner)) this.#ready.add(owner);
    else this.#ready.delete(owner);
  }

  #giveTurns(): void {
    for (const owner of this.#ready) {
      if (this.running >= this.#options.most) return;
      const [next] = this.#queues.get(owner) ?? [];
      // Behind the others; a set that is gone through gives what is put in meanwhile, too.
      this.#ready.delete(owner);
      if (next === undefined) continue;
      this.#begin(owner);
      this.#forget(next);
      next.start();
    }
  }

  /** Whether it was still waiting. */
  #forget(one: Waiting): boolean {
    const queue = this.#queues.get(one.owner);
    if (queue?.delete(one) !== true) return false;
    clearTimeout(one.timer);
    this.waiting -= 1;
    if (queue.size === 0) this.#queues.delete(one.owner);
    this.#updateReady(one.owner);
    return true;
  }
}
