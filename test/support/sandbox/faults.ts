// What tests switch on to see a homeserver misbehave. Everything is off at first and may be changed at any time.

import type { Milliseconds } from '../../../src/matrix/identifiers.ts';
import type { WholeSyncResponse } from '../../../src/sandbox/sync.ts';

/** What happens to a request instead of, or on the way to, its proper answer. */
export interface RequestFault {
  /** How long the request lies before it is looked at. */
  delayMs?: Milliseconds;
  /** Answered with this instead. A 429 is `{status: 429, headers: {'retry-after': '1'}, body: {errcode: …}}`. */
  answer?: { status: number; headers?: Record<string, string>; body: unknown };
  /** The connection is cut after so many bytes of the body. */
  cutAfterBytes?: number;
  /** The body begins like the right one and is no JSON. */
  isGarbage?: boolean;
}

interface Rule {
  pattern: RegExp;
  fault: RequestFault;
  timesLeft: number;
}

export class Faults {
  /** At most so many events in a timeline of /sync, whatever its filter says; more make it `limited`. */
  timelineLimit: number | undefined;
  /** Where `next_batch` stands among the keys of a /sync answer. */
  nextBatch: 'first' | 'last' = 'first';
  /** A room's `state` stands before its `timeline` in a /sync answer. */
  isStateFirst = false;
  /** What is sent in /sync for sections, rooms and batches in which there is nothing. */
  emptySections: 'as empty' | 'left out' | 'as null' = 'as empty';
  /** So many polls with nothing to tell come back at once. */
  emptyWakeUps = 0;
  /**
   * A messages token forgets the sync token at which the reading began, as Synapse's do: where more events come late than
   * a page holds, the next page also gives what had arrived before.
   */
  pagesForgetFrom = false;
  /** On Dendrite and Conduit: whether it talks to other homeservers. Where it does not, it does not tell them its name. */
  isFederating = true;
  /**
   * On Conduit: done between the two moments at which a `/sync` takes its `next_batch` and its timelines, as others who
   * write meanwhile would.
   */
  betweenNextBatchAndTimelines: (() => void) | undefined;
  /** On tuwunel: a poll waits so long at least, whatever it asks for. Measured are 5000. */
  shortestPollMs: Milliseconds = 0;
  /** On Dendrite: a session's so many-and-first request for `/messages` within half a second is refused. Measured are 20. */
  messagesAtOnce = Infinity;
  #rules: Rule[] = [];

  /**
   * The next `times` requests whose `METHOD /path?query` matches meet this fault; rules that match together add up.
   * Returns what ends it.
   */
  on(pattern: RegExp, fault: RequestFault, times = Infinity): () => void {
    const rule = { pattern, fault, timesLeft: times };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((each) => each !== rule);
    };
  }

  /** The fault that a request meets now; each rule in it is used up by one. */
  take(method: string, url: string): RequestFault {
    const rules = this.#rules.filter((rule) => rule.timesLeft > 0 && rule.pattern.test(`${method} ${url}`));
    for (const rule of rules) rule.timesLeft -= 1;
    this.#rules = this.#rules.filter((rule) => rule.timesLeft > 0);
    return Object.assign({}, ...rules.map((rule) => rule.fault)) as RequestFault;
  }

  /** Whether a poll with nothing to tell is to come back now. */
  takeEmptyWakeUp(): boolean {
    if (this.emptyWakeUps <= 0) return false;
    this.emptyWakeUps -= 1;
    return true;
  }

  /** A /sync answer in the order and with the gaps that were asked for. */
  reshape(response: WholeSyncResponse): object {
    const { next_batch, ...sections } = response;
    const shown = Object.entries(this.#inOrder(sections))
      .map(([key, section]) => [key, this.#shown(section)] as const)
      .filter(([, section]) => section !== undefined);
    const position = ['next_batch', next_batch] as const;
    return Object.fromEntries(this.nextBatch === 'first' ? [position, ...shown] : [...shown, position]);
  }

  #shown(section: unknown): unknown {
    if (this.emptySections === 'as empty') return section;
    return withoutEmpty(section, this.emptySections === 'as null' ? null : undefined);
  }

  #inOrder(sections: Omit<WholeSyncResponse, 'next_batch'>): Omit<WholeSyncResponse, 'next_batch'> {
    if (!this.isStateFirst) return sections;
    const stateFirst = <Update extends { state?: unknown }>(rooms: Record<string, Update>) =>
      Object.fromEntries(
        Object.entries(rooms).map(([roomId, room]) => [roomId, { state: room.state, ...room }]),
      );
    const { join, leave, ...others } = sections.rooms;
    return { ...sections, rooms: { join: stateFirst(join), leave: stateFirst(leave), ...others } };
  }
}

/** What holds no event is left out, or set to null; events themselves stay as they are. */
export function withoutEmpty(value: unknown, empty: null | undefined): unknown {
  if (Array.isArray(value)) return value.length > 0 ? value : empty;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, each]) => [key, withoutEmpty(each, empty)] as const)
    .filter(([, each]) => each !== undefined);
  return entries.some(([, each]) => each !== null) ? Object.fromEntries(entries) : empty;
}
