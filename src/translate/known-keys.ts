import { BACKSLASH, QUOTE } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { JsonReaderError } from '../stream/json-reader.ts';

/** A list of known keys, each with its place as its number; a set of them is a number with a bit for each. */
export class KnownKeys {
  /** The keys by their length as JSON text with quotes. */
  readonly #byLength: readonly (readonly KnownKey[] | undefined)[];

  /** Takes at most 31 keys, of two to thirty bytes each. */
  constructor(keys: readonly string[]) {
    const byLength: KnownKey[][] = [];
    for (const [number, key] of keys.entries()) {
      const name = Buffer.from(JSON.stringify(key));
      const known = { name, first: wordAt(name, 0), last: wordAt(name, name.length - WORD), number };
      byLength[name.length] = [...(byLength[name.length] ?? []), known];
    }
    this.#byLength = Array.from({ length: LONGEST_NAME }, (_, length) => byLength[length]);
  }

  /** Returns the number of a member's key; -1 where it is none of these. */
  numberOf(bytes: Buffer, members: JsonMembers, member: number): number {
    const start = members.keyStart(member);
    const end = members.keyEnd(member);
    if (members.hasEscapedKey && bytes.subarray(start, end).includes(BACKSLASH)) {
      const name = Buffer.from(JSON.stringify(textIn(bytes, start, end)));
      return this.#numberOf(name, 0, name.length);
    }
    return this.#numberOf(bytes, start, end);
  }

  #numberOf(bytes: Buffer, start: number, end: number): number {
    const candidates = this.#byLength[end - start];
    if (candidates === undefined) return UNKNOWN;
    const first = wordAt(bytes, start);
    for (let i = 0; i < candidates.length; i += 1) {
      const candidate = candidates[i];
      if (candidate === undefined || candidate.first !== first) continue;
      if (candidate.last === wordAt(bytes, end - WORD) && hasInside(bytes, start, candidate.name))
        return candidate.number;
    }
    return UNKNOWN;
  }
}

/** A set of known keys, out of their numbers. */
export const setOf = (...numbers: number[]): number =>
  numbers.reduce((set, number) => set | (1 << number), 0);

interface KnownKey {
  name: Buffer;
  /** The first and the last four bytes of the name with its quotes, which tell nearly all names apart. */
  first: number;
  last: number;
  number: number;
}

const WORD = 4;
const LONGEST_NAME = 32;
/** The number of a key that is none of those. */
export const UNKNOWN = -1;
/** A JSON string in bytes, with its quotes → its text. Throws where it is none. */
function textIn(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  try {
    return JSON.parse(text) as string;
  } catch (cause) {
    throw new JsonReaderError('A string is not well-formed', { cause });
  }
}

/** A JSON value in bytes → its text where it is a string, undefined where it is another value. */
export function stringIn(bytes: Buffer, start: number, end: number): string | undefined {
  if (bytes[start] !== QUOTE) return undefined;
  const text = bytes.toString('utf8', start + 1, end - 1);
  return text.includes('\\') ? textIn(bytes, start, end) : text;
}

function wordAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at + 3] ?? 0) << 24) | ((bytes[at + 2] ?? 0) << 16);
  return high | ((bytes[at + 1] ?? 0) << 8) | (bytes[at] ?? 0);
}

/** Tells whether the bytes between the first and the last word are the same. */
function hasInside(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let at = name.length - WORD - 1; at >= WORD; at -= 1) if (bytes[start + at] !== name[at]) return false;
  return true;
}
