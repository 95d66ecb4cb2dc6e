import type { SessionKey } from '../../caches/sessions.ts';
import type { Clock } from '../../scheduling/clock.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';

/**
 * Why a poll ends early, with an empty chunk and its own token: it has had its place for long while others wait for one,
 * or the gateway drains.
 */
export class Released extends Error {
  override readonly name = 'Released';
}

/** A place is what a long poll holds while it is open. */
export interface Place {
  /** Resolves when the poll may follow the stream: at once, unless its session follows enough already. */
  entered: Promise<void>;
  hasEntered(): boolean;
  /** Aborts, with a `Released`, when the poll shall end early. */
  signal: AbortSignal;
  /** Must be called when the poll was answered; the next one that waits takes the place. */
  leave(): void;
}

export interface ParkedPolls {
  park(session: SessionKey): Place;
  /** Releases all polls, and from then on each at once. */
  releaseAll(): void;
  readonly size: number;
}

/**
 * How long a poll has its place to itself, whoever waits for it. As long as most clients' own timeout: a session with any
 * number of followers is answered no more often than it would be by timeouts of this length.
 */
export const SHORTEST_STAY_MS: Milliseconds = 30_000;

interface Poll {
  released: AbortController;
  enter: () => void;
  /** When it got its place; undefined while it waits. */
  enteredAt?: Milliseconds;
}

/**
 * Keeps the long polls under way: so many of a session are followed, the others wait in the order in which they came.
 *
 * A poll is never answered because another one came: whoever is answered asks again at once, and would have the next one
 * answered. Only who has had a place for `SHORTEST_STAY_MS` gives it up.
 */
export function createParkedPolls(options: { pollsPerSession: number; clock: Clock }): ParkedPolls {
  const { pollsPerSession, clock } = options;
  const sessions = new Map<SessionKey, SessionPolls>();
  let size = 0;
  let isDraining = false;

  class SessionPolls {
    /**
     * The polls that have a place, in the order in which they got it; `waiting` has the others, in the order in which
     * they came.
     */
    readonly followed = new Set<Poll>();
    readonly waiting = new Set<Poll>();
    #timer = new AbortController();

    add(poll: Poll): void {
      this.waiting.add(poll);
      this.#admit();
    }

    delete(poll: Poll): void {
      this.waiting.delete(poll);
      this.followed.delete(poll);
      this.#admit();
    }

    #admit(): void {
      for (const poll of this.waiting) {
        if (this.followed.size >= pollsPerSession) break;
        this.waiting.delete(poll);
        this.followed.add(poll);
        poll.enteredAt = clock.now();
        poll.enter();
      }
      this.#releaseInTime();
    }

    /** One place for each that waits, as soon as its poll has had it for long enough. */
    #releaseInTime(): void {
      this.#timer.abort();
      if (this.waiting.size === 0) return;
      const staying = [...this.followed].filter(({ released }) => !released.signal.aborted);
      const [oldest] = staying;
      if (oldest === undefined || this.followed.size - staying.length >= this.waiting.size) return;
      const leftMs = (oldest.enteredAt ?? 0) + SHORTEST_STAY_MS - clock.now();
      if (leftMs <= 0) {
        oldest.released.abort(new Released());
        this.#releaseInTime();
        return;
      }
      this.#timer = new AbortController();
      clock.sleep(leftMs, this.#timer.signal).then(
        () => this.#releaseInTime(),
        () => {},
      );
    }
  }

  function pollsOf(session: SessionKey): SessionPolls {
    const known = sessions.get(session);
    if (known !== undefined) return known;
    const polls = new SessionPolls();
    sessions.set(session, polls);
    return polls;
  }

  return {
    park: (session) => {
      const polls = pollsOf(session);
      const entered = Promise.withResolvers<void>();
      const poll: Poll = { released: new AbortController(), enter: entered.resolve };
      let hasLeft = false;
      size += 1;
      if (isDraining) poll.released.abort(new Released());
      polls.add(poll);
      return {
        entered: entered.promise,
        hasEntered: () => poll.enteredAt !== undefined,
        signal: poll.released.signal,
        leave: () => {
          if (hasLeft) return;
          hasLeft = true;
          size -= 1;
          polls.delete(poll);
          const isEmpty = polls.followed.size === 0 && polls.waiting.size === 0;
          if (isEmpty && sessions.get(session) === polls) sessions.delete(session);
        },
      };
    },
    releaseAll: () => {
      isDraining = true;
      for (const { followed, waiting } of sessions.values())
        for (const poll of [...followed, ...waiting]) poll.released.abort(new Released());
    },
    get size() {
      return size;
    },
  };
}
