import type { ClientEvent } from '../matrix/client-event.ts';
import { BACKSLASH } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { KnownKeys, KnownMembers } from './known-members.ts';

const FILTER_SIZE = 4096;

/**
 * The state events of a room's timeline, the latest of each type and state key: what stood before is overridden.
 *
 * Nearly every event of a room's state is asked about, and nearly none is here. So bytes are compared by a hash first.
 */
export class OverriddenState {
  readonly #texts = new Map<string, string>();
  readonly #members = new KnownMembers(KEYS);
  /** Marked at the hash of each one's type and state key, as JSON text. */
  readonly #filter = new Uint8Array(FILTER_SIZE);

  add(event: ClientEvent, text: string): void {
    this.#texts.set(keyOf(event.type, event.state_key), text);
    const [type, stateKey] = [event.type, event.state_key].map((part) => Buffer.from(JSON.stringify(part)));
    if (type === undefined || stateKey === undefined) return;
    const hash = hashOf(type, 0, type.length, hashOf(stateKey, 0, stateKey.length, 1));
    if (hash >= 0) this.#filter[hash % FILTER_SIZE] = 1;
  }

  /** The events' texts, in the order in which they were first added. */
  texts(): Iterable<string> {
    return this.#texts.values();
  }

  has(event: ClientEvent): boolean {
    return this.#texts.has(keyOf(event.type, event.state_key));
  }

  /** The same of an event whose members these are. */
  hasWritten(bytes: Buffer, members: JsonMembers): boolean {
    if (this.#texts.size === 0) return false;
    const event = this.#members;
    event.read(bytes, members);
    if (!event.has(TYPE) || !event.has(STATE_KEY)) return false;
    const ofStateKey = hashOf(bytes, event.valueStart(STATE_KEY), event.valueEnd(STATE_KEY), 1);
    const hash = hashOf(bytes, event.valueStart(TYPE), event.valueEnd(TYPE), ofStateKey);
    if (hash >= 0 && this.#filter[hash % FILTER_SIZE] === 0) return false;
    return this.#texts.has(keyOf(event.text(TYPE), event.text(STATE_KEY)));
  }
}

const TYPE = 0;
const STATE_KEY = 1;
const KEYS = new KnownKeys(['type', 'state_key']);

const keyOf = (type: unknown, stateKey: unknown): string => JSON.stringify([type, stateKey]);

/** -1 for text with escapes, of which there is more than one way to write the same. */
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
