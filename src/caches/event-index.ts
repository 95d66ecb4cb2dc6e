import { randomFillSync } from 'node:crypto';
import { entriesIn } from './shares.ts';

/** An event index keeps numbers under texts: the newest ones, as many as fit, each found in a few steps. */
export interface EventIndex {
  get(text: string): number | undefined;
  set(text: string, value: number): void;
  /** The size of the entries, in bytes. */
  readonly bytes: number;
}

/** An entry has two halves of a hash, a value, a link, and a bucket, of four bytes each. */
export const BYTES_PER_INDEXED = 20;
/** The longest that Matrix allows an event id to be; longer texts are not kept. */
const LONGEST = 255;
/** So many entries of one bucket are looked at. There is one on average; more than this are next to impossible. */
const MOST_STEPS = 32;

/**
 * Builds a hash table of a fixed size, in which each entry takes the place of the oldest one.
 *
 * Texts are told apart by 64 bits of a hash that has random keys: nobody can make up texts that meet in one bucket, and
 * where two have one hash, the later one's value is given for both.
 */
export function createEventIndex(options: { maxBytes: number; onStep?: () => void }): EventIndex {
  const { onStep } = options;
  const capacity = entriesIn(options.maxBytes, BYTES_PER_INDEXED);
  const keys = randomFillSync(new Uint32Array(2 * (LONGEST + 1)));
  // Zeroes: memory that is not written to is not taken from the machine.
  const upper = new Uint32Array(capacity);
  const lower = new Uint32Array(capacity);
  const values = new Uint32Array(capacity);
  /** The next entry of the same bucket, and the first one of each: one more than its place, 0 for none. */
  const following = new Uint32Array(capacity);
  const buckets = new Uint32Array(capacity);
  let written = 0;
  let hashUpper = 0;
  let hashLower = 0;

  /** A sum of characters, each times a random number of its place: universal in its upper bits. */
  function hash(text: string): void {
    let a = keys[0] ?? 0;
    let b = keys[1] ?? 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i) + 1;
      a = (a + Math.imul(keys[2 * i + 2] ?? 0, code)) | 0;
      b = (b + Math.imul(keys[2 * i + 3] ?? 0, code)) | 0;
    }
    hashUpper = a >>> 0;
    hashLower = b >>> 0;
  }

  /** Finds the bucket of a hash, by its uppermost bits. */
  const bucketOf = (upperHalf: number): number => Math.floor((upperHalf / 2 ** 32) * capacity);

  function find(): number {
    let entry = buckets[bucketOf(hashUpper)] ?? 0;
    for (let steps = 0; entry !== 0 && steps < MOST_STEPS; steps += 1) {
      onStep?.();
      if (upper[entry - 1] === hashUpper && lower[entry - 1] === hashLower) return entry;
      entry = following[entry - 1] ?? 0;
    }
    return 0;
  }

  function unlink(place: number): void {
    const bucket = bucketOf(upper[place] ?? 0);
    const next = following[place] ?? 0;
    if (buckets[bucket] === place + 1) {
      buckets[bucket] = next;
      return;
    }
    for (let entry = buckets[bucket] ?? 0; entry !== 0; entry = following[entry - 1] ?? 0) {
      onStep?.();
      if (following[entry - 1] !== place + 1) continue;
      following[entry - 1] = next;
      return;
    }
  }

  return {
    get: (text) => {
      if (text.length > LONGEST) return undefined;
      hash(text);
      const entry = find();
      return entry === 0 ? undefined : values[entry - 1];
    },
    set: (text, value) => {
      if (text.length > LONGEST) return;
      hash(text);
      const known = find();
      if (known !== 0) {
        values[known - 1] = value;
        return;
      }
      const place = written % capacity;
      if (written >= capacity) unlink(place);
      written += 1;
      const bucket = bucketOf(hashUpper);
      upper[place] = hashUpper;
      lower[place] = hashLower;
      values[place] = value;
      following[place] = buckets[bucket] ?? 0;
      buckets[bucket] = place + 1;
    },
    get bytes() {
      return Math.min(written, capacity) * BYTES_PER_INDEXED;
    },
  };
}
