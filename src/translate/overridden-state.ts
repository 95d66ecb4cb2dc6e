import { createHash } from 'node:crypto';
import { BACKSLASH } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { KnownKeys } from './known-keys.ts';
import { KnownMembers } from './known-members.ts';

const FILTER_SIZE = 4096;

/**
 * The state events of a room's timeline, by type and state key: what stood before is overridden.
 *
 * Nearly every event of a room's state is asked about, and nearly none is here. So bytes are compared by a hash first.
 */
export class OverriddenState {
  /** The index of the latest added event, by type and state key. */
  readonly #latest = new Map<string, number>();
  readonly #event = new KnownMembers(KEYS);
  /** A mark at the hash of each added event's type and state key, as JSON text. */
  readonly #filter = new Uint8Array(FILTER_SIZE);
  #count = 0;

  /** Adds the event whose members these are; false where it is no state event. Nothing of its bytes is kept. */
  add(bytes: Buffer, members: JsonMembers): boolean {
    const event = this.#event;
    event.read(bytes, members);
    const key = this.#keyOfEvent();
    if (key === undefined) return false;
    this.#latest.set(key, this.#count);
    this.#count += 1;
    const hash = this.#hashOf(bytes);
    if (hash >= 0) this.#filter[hash % FILTER_SIZE] = 1;
    else this.#filter.fill(1);
    return true;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Tells whether the event that was added as the `index`th is the latest of its type and state key. */
  isLatest(bytes: Buffer, members: JsonMembers, index: number): boolean {
    this.#event.read(bytes, members);
    const key = this.#keyOfEvent();
    return key !== undefined && this.#latest.get(key) === index;
  }

  /** Tells whether an event with the type and state key of this one was added. */
  has(bytes: Buffer, members: JsonMembers): boolean {
    if (this.#count === 0) return false;
    const event = this.#event;
    event.read(bytes, members);
    if (!event.has(KEY.type) || !event.has(KEY.state_key)) return false;
    const hash = this.#hashOf(bytes);
    if (hash >= 0 && this.#filter[hash % FILTER_SIZE] === 0) return false;
    const key = this.#keyOfEvent();
    return key !== undefined && this.#latest.has(key);
  }

  #keyOfEvent(): string | undefined {
    const type = this.#event.text(KEY.type);
    const stateKey = this.#event.text(KEY.state_key);
    return type === undefined || stateKey === undefined ? undefined : keyOf(type, stateKey);
  }

  #hashOf(bytes: Buffer): number {
    const event = this.#event;
    const ofStateKey = hashOf(bytes, event.valueStart(KEY.state_key), event.valueEnd(KEY.state_key), 1);
    return hashOf(bytes, event.valueStart(KEY.type), event.valueEnd(KEY.type), ofStateKey);
  }
}

const KEY = { type: 0, state_key: 1 } as const;
const KEYS = new KnownKeys(Object.keys(KEY));
/** Types and state keys have at most 255 bytes each; what is longer is kept by its hash. */
const LONGEST_KEY = 1024;

function keyOf(type: string, stateKey: string): string {
  const key = JSON.stringify([type, stateKey]);
  return key.length > LONGEST_KEY ? createHash('sha256').update(key).digest('base64') : key;
}

/** Returns the hash of a JSON text; -1 for text with escapes, as the same can be written in several ways. */
function hashOf(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  if (seed < 0) return -1;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === BACKSLASH) return -1;
    hash = (Math.imul(hash, 31) + byte) & 0x7fffffff;
  }
  return hash;
}
