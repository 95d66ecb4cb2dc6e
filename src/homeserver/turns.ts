// A bound on what runs at once, shared out between whoever asks: nobody's many keep the others waiting.

import { HomeserverUnavailable } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';

export interface TurnsOptions {
  /** How many run at once. */
  most: number;
  /** How many of one sharer, out of `most`. */
  mostOf(sharer: string): number;
  /** How long one waits for its turn. */
  waitMs: Milliseconds;
  /** Told of each that has waited in vain. */
  onRefused?: () => void;
}

/** What waits for its turn, until `start` or `refuse` is called, or it is forgotten by `leave`. */
interface Waiting {
  sharer: string;
  start: () => void;
  timer: NodeJS.Timeout;
}

export interface Turns {
  /**
   * Calls `start` when it is this one's turn, often at once; `refuse` with a 503 when it has waited for too long. Gives
   * what is to be called when it is over, or is not wanted any more: once, also after `refuse`.
   */
  enter(sharer: string, start: () => void, refuse: (error: HomeserverUnavailable) => void): () => void;
  /** The same without waiting, and without anything made for it: true where a turn was free, which `leave` then ends. */
  tryEnter(sharer: string): boolean;
  leave(sharer: string): void;
  readonly running: number;
  readonly waiting: number;
}

/**
 * Turns by sharer, round and round: of those who wait, the one whose sharer was served longest ago is next, and each
 * sharer's own come in their order.
 */
export function createTurns(options: TurnsOptions): Turns {
  const { most, waitMs, onRefused } = options;
  const runningOf = new Map<string, number>();
  /** In the order in which sharers are next. */
  const queues = new Map<string, Set<Waiting>>();
  let running = 0;
  let waiting = 0;

  const hasRoom = (sharer: string): boolean =>
    running < most && (runningOf.get(sharer) ?? 0) < options.mostOf(sharer);

  function run(sharer: string): void {
    running += 1;
    runningOf.set(sharer, (runningOf.get(sharer) ?? 0) + 1);
  }

  function finish(sharer: string): void {
    running -= 1;
    const left = (runningOf.get(sharer) ?? 0) - 1;
    if (left > 0) runningOf.set(sharer, left);
    else runningOf.delete(sharer);
    startNext();
  }

  function startNext(): void {
    for (const [sharer, queue] of queues) {
      if (running >= most) return;
      if (!hasRoom(sharer)) continue;
      const [next] = queue;
      if (next === undefined) continue;
      forget(next);
      // Served: behind the others.
      if (queues.delete(sharer) && queue.size > 0) queues.set(sharer, queue);
      run(sharer);
      next.start();
      return;
    }
  }

  function forget(one: Waiting): boolean {
    const queue = queues.get(one.sharer);
    if (queue?.delete(one) !== true) return false;
    clearTimeout(one.timer);
    waiting -= 1;
    if (queue.size === 0) queues.delete(one.sharer);
    return true;
  }

  return {
    tryEnter: (sharer) => {
      const isFree = hasRoom(sharer);
      if (isFree) run(sharer);
      return isFree;
    },
    leave: finish,
    enter: (sharer, start, refuse) => {
      let isOver = false;
      if (hasRoom(sharer)) {
        run(sharer);
        start();
        return () => {
          if (!isOver) finish(sharer);
          isOver = true;
        };
      }
      const timer = setTimeout(() => {
        if (!forget(one)) return;
        isOver = true;
        onRefused?.();
        refuse(new HomeserverUnavailable(503, 'Too many requests are under way to the homeserver'));
      }, waitMs);
      const one: Waiting = { sharer, start, timer };
      const queue = queues.get(sharer) ?? new Set();
      queues.set(sharer, queue.add(one));
      waiting += 1;
      return () => {
        if (!isOver && !forget(one)) finish(sharer);
        isOver = true;
      };
    },
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
  };
}
