import type { SessionKey } from '../caches/sessions.ts';

/** Why a poll ends early, with an empty chunk and its own token: a later one took its place, or the gateway drains. */
export class Released extends Error {
  override readonly name = 'Released';
}

/** A parked poll's place: `signal` aborts, with a `Released`, when it shall end early; `leave` when it has ended. */
export interface Place {
  signal: AbortSignal;
  leave(): void;
}

export interface ParkedPolls {
  /** Lets a poll in, always; where the session has too many, its oldest one is released. */
  park(session: SessionKey): Place;
  /** Releases all polls, and from then on each at once. */
  releaseAll(): void;
  readonly size: number;
}

/** The long polls under way, by session, in the order in which they came. */
export function createParkedPolls(options: { pollsPerSession: number }): ParkedPolls {
  const parked = new Map<SessionKey, Set<AbortController>>();
  let size = 0;
  let isDraining = false;
  return {
    park: (session) => {
      const polls = parked.get(session) ?? new Set();
      parked.set(session, polls);
      const poll = new AbortController();
      polls.add(poll);
      size += 1;
      if (isDraining) poll.abort(new Released());
      const waiting = [...polls].filter(({ signal }) => !signal.aborted);
      if (waiting.length > options.pollsPerSession) waiting[0]?.abort(new Released());
      return {
        signal: poll.signal,
        leave: () => {
          if (!polls.delete(poll)) return;
          size -= 1;
          if (polls.size === 0 && parked.get(session) === polls) parked.delete(session);
        },
      };
    },
    releaseAll: () => {
      isDraining = true;
      for (const polls of parked.values()) for (const poll of polls) poll.abort(new Released());
    },
    get size() {
      return size;
    },
  };
}
