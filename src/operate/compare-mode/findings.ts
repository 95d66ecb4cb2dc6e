// What compare mode found, bounded, and without anything that tells whom it is about.

import type { Milliseconds } from '../../matrix/identifiers.ts';
import type { Clock } from '../../scheduling/clock.ts';
import type { ComparedEndpoint } from '../comparable.ts';
import type { Difference } from '../compare.ts';
import { kindOf, placeOf, type DifferenceKind } from './place.ts';

/**
 * `same`; `different`; or not compared: `too large`, `given up` under load, `not comparable` (a token of ours, a poll that
 * begins now, an encoding), `failed` (the other side gave no answer).
 */
export type Outcome = 'same' | 'different' | 'too large' | 'given up' | 'not comparable' | 'failed';

export interface FoundDifference {
  endpoint: ComparedEndpoint;
  place: string;
  kind: DifferenceKind;
  count: number;
  lastSeen: Milliseconds;
}

export interface Findings {
  note(endpoint: ComparedEndpoint, outcome: Outcome, differences?: readonly Difference[]): void;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** The most frequent first. */
  readonly differences: readonly FoundDifference[];
  /** How many were found in all. */
  readonly total: number;
}

/** More places than these have one fault in common. */
const MOST_PLACES = 200;

export function createFindings(clock: Pick<Clock, 'now'>): Findings {
  const outcomes: Record<Outcome, number> = {
    same: 0,
    different: 0,
    'too large': 0,
    'given up': 0,
    'not comparable': 0,
    failed: 0,
  };
  const found = new Map<string, FoundDifference>();
  let total = 0;
  return {
    note: (endpoint, outcome, differences = []) => {
      outcomes[outcome] += 1;
      for (const difference of differences) {
        total += 1;
        const [place, kind] = [placeOf(difference), kindOf(difference)];
        const key = `${endpoint}\n${place}\n${kind}`;
        const known = found.get(key);
        if (known !== undefined) Object.assign(known, { count: known.count + 1, lastSeen: clock.now() });
        else if (found.size < MOST_PLACES)
          found.set(key, { endpoint, place, kind, count: 1, lastSeen: clock.now() });
      }
    },
    outcomes,
    get differences() {
      return [...found.values()].toSorted((a, b) => b.count - a.count);
    },
    get total() {
      return total;
    },
  };
}
