import type { ClientEvent } from '../matrix/client-event.ts';
import { BACKSLASH } from '../stream/json-bytes.ts';

const FILTER_SIZE = 4096;

/**
 * The state events of a room's timeline, the latest of each type and state key: what stood before is overridden.
 *
 * Nearly every event of a room's state is asked about, and nearly none is here. So bytes are compared by a hash first.
 */
export class OverriddenState {
  readonly #texts = new Map<string, string>();
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

  /** The same of JSON strings in bytes, quotes and all. */
  hasBytes(
    bytes: Buffer,
    typeStart: number,
    typeEnd: number,
    stateKeyStart: number,
    stateKeyEnd: number,
  ): boolean {
    if (this.#texts.size === 0) return false;
    const hash = hashOf(bytes, typeStart, typeEnd, hashOf(bytes, stateKeyStart, stateKeyEnd, 1));
    if (hash >= 0 && this.#filter[hash % FILTER_SIZE] === 0) return false;
    const type: unknown = JSON.parse(bytes.toString('utf8', typeStart, typeEnd));
    const stateKey: unknown = JSON.parse(bytes.toString('utf8', stateKeyStart, stateKeyEnd));
    return this.#texts.has(keyOf(type, stateKey));
  }
}

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
