import type { Clock } from '../scheduling/clock.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';

/** After news were made in a room: at once, and again, as a homeserver may show them a moment later. */
const PROBES_AFTER_MS = [0, 100, 400] as const;
/** News of no known room: where they were made is looked for everywhere, so often a room after a silence, then more rarely. */
const PROBES_AFTER_ANY_MS = [0, 300] as const;
/** A room is owed at most so many such probes, however long it was silent. */
const MOST_LOOKS_FOR_ANY = 6;
/** Between two probes of a room, however many news are made in it. */
const SHORTEST_GAP_MS: Milliseconds = 200;

/** When a room that somebody waits for is to be probed, beside its period, as news are expected in it. */
export class ExpectedNews {
  readonly #clock: Clock;
  /** After so long one look for news of no known room is given back. */
  readonly #lookEveryMs: Milliseconds;
  #dueAtMs: Milliseconds[];
  #probedAtMs = -Infinity;
  #looks: { left: number; atMs: Milliseconds };
  /** Ends the sleep until the next probe. */
  #hurry = new AbortController();

  /** `expectedAtMs`: when news were made in the room last. A client that has just looked may not have seen them yet. */
  constructor(clock: Clock, lookEveryMs: Milliseconds, expectedAtMs: Milliseconds | undefined) {
    this.#clock = clock;
    this.#lookEveryMs = lookEveryMs;
    this.#looks = { left: MOST_LOOKS_FOR_ANY, atMs: clock.now() };
    this.#dueAtMs =
      expectedAtMs === undefined
        ? []
        : PROBES_AFTER_MS.map((afterMs) => expectedAtMs + afterMs).filter((atMs) => atMs > clock.now());
  }

  /** News were made in this room. */
  expect(): void {
    this.#probeAfter(PROBES_AFTER_MS);
  }

  /** News were made somewhere. A room that is silent is probed for that at most once in `lookEveryMs`, but for a few at first. */
  expectPerhaps(): void {
    if (this.#dueAtMs.length > 0) return;
    const now = this.#clock.now();
    const given = (now - this.#looks.atMs) / this.#lookEveryMs;
    const left = Math.min(MOST_LOOKS_FOR_ANY, this.#looks.left + given);
    const afterMs = PROBES_AFTER_ANY_MS.slice(0, Math.floor(left));
    this.#looks = { left: left - afterMs.length, atMs: now };
    if (afterMs.length > 0) this.#probeAfter(afterMs);
  }

  /** Sleeps until the next probe: at the period's end, or before, where news are expected; resolves with whether they are. */
  async untilProbe(periodMs: Milliseconds, stop: AbortSignal): Promise<boolean> {
    const periodEndsAtMs = this.#clock.now() + periodMs;
    for (;;) {
      const dueAtMs = Math.max(this.#dueAtMs[0] ?? Infinity, this.#probedAtMs + SHORTEST_GAP_MS);
      const leftMs = Math.min(dueAtMs, periodEndsAtMs) - this.#clock.now();
      if (leftMs <= 0) {
        this.#probedAtMs = this.#clock.now();
        this.#dueAtMs = this.#dueAtMs.filter((atMs) => atMs > this.#probedAtMs);
        return dueAtMs <= periodEndsAtMs;
      }
      const signal = AbortSignal.any([stop, this.#hurry.signal]);
      await this.#clock.sleep(leftMs, signal).catch(() => stop.throwIfAborted());
      if (this.#hurry.signal.aborted) this.#hurry = new AbortController();
    }
  }

  #probeAfter(afterMs: readonly Milliseconds[]): void {
    const now = this.#clock.now();
    const dueAtMs = [...this.#dueAtMs, ...afterMs.map((each) => now + each)].toSorted((a, b) => a - b);
    // The next ones are what matters; what is made later brings its own.
    this.#dueAtMs = dueAtMs.slice(0, 2 * PROBES_AFTER_MS.length);
    this.#hurry.abort();
  }
}
