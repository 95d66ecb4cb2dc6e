import type { Milliseconds } from '../../matrix/identifiers.ts';

export const DAYS = 30;
export const DAY_MS: Milliseconds = 24 * 60 * 60_000;

/** Which day a moment lies in, in UTC, counted from 1970. */
export const dayOf = (now: Milliseconds): number => Math.floor(now / DAY_MS);

/** Requests for each of the last 30 days, in UTC. */
export class Days {
  readonly #counts: number[];
  /** The day of the last count. */
  #last: number;

  constructor(last: number, counts: readonly number[] = []) {
    this.#last = last;
    this.#counts = Array.from({ length: DAYS }, (_, i) => counts.at(i - DAYS) ?? 0);
  }

  add(day: number, count = 1): void {
    if (day > this.#last) this.#moveTo(day);
    const at = DAYS - 1 - (this.#last - day);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + count;
  }

  /** Returns the counts as seen on a day: the oldest first, that day last. */
  upTo(day: number): number[] {
    return Array.from(
      { length: DAYS },
      (_, i) => this.#counts[DAYS - 1 - (this.#last - (day - DAYS + 1 + i))] ?? 0,
    );
  }

  #moveTo(day: number): void {
    const passed = Math.min(day - this.#last, DAYS);
    this.#counts.splice(0, passed);
    this.#counts.push(...Array<number>(passed).fill(0));
    this.#last = day;
  }
}
