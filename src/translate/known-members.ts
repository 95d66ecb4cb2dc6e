import type { ByteSink } from '../stream/byte-sink.ts';
import { COMMA, isText, OBJECT_START, QUOTE } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';
import { JsonReaderError } from '../stream/json-reader.ts';
import { stringIn, UNKNOWN, type KnownKeys } from './known-keys.ts';

const NONE = -1;
/** The bit that marks members whose key comes again later: the last one counts, as in parsing. */
const REPEATED = 31;

/**
 * A reader of the members of one JSON object after the other: those with known keys are read, all can be copied.
 *
 * Its values are good until the next object is read.
 */
export class KnownMembers {
  /** The known keys that the object has. */
  present = 0;
  readonly #keys: KnownKeys;
  readonly #own = new JsonMembers();
  #members = this.#own;
  #bytes = NOTHING;
  /** The number of each member's key. */
  readonly #numbers: number[] = [];
  /** The member of each key. */
  readonly #member: number[] = [];

  constructor(keys: KnownKeys) {
    this.#keys = keys;
  }

  /** The places of the object's opening bracket, and behind its closing one (`end`). */
  get start(): number {
    return this.#members.start;
  }

  get end(): number {
    return this.#members.end;
  }

  /** Reads an object whose members were found already. */
  read(bytes: Buffer, members: JsonMembers): void {
    this.#bytes = bytes;
    this.#members = members;
    this.present = 0;
    const { count } = members;
    for (let member = 0; member < count; member += 1) {
      const number = this.#keys.numberOf(bytes, members, member);
      this.#numbers[member] = number;
      if (number < 0) continue;
      if (this.has(number)) {
        this.#numbers[this.#member[number] ?? NONE] = REPEATED;
        this.present |= 1 << REPEATED;
      }
      this.present |= 1 << number;
      this.#member[number] = member;
    }
  }

  /** Reads the object that begins at `start`. False for any other value; throws where the object is not well-formed. */
  readAt(bytes: Buffer, start: number): boolean {
    if (bytes[start] !== OBJECT_START) return false;
    if (!this.#own.find(bytes, start))
      throw new JsonReaderError('An object is not well-formed, or too large');
    this.read(bytes, this.#own);
    return true;
  }

  has(key: number): boolean {
    return (this.present & (1 << key)) !== 0;
  }

  /** Returns where the value of a present key begins. */
  valueStart(key: number): number {
    return this.#members.valueStart(this.#member[key] ?? NONE);
  }

  valueEnd(key: number): number {
    return this.#members.valueEnd(this.#member[key] ?? NONE);
  }

  /** Tells whether the key is present, with a value other than null. */
  hasValue(key: number): boolean {
    return this.has(key) && this.#bytes[this.valueStart(key)] !== LETTER_N;
  }

  /** Tells whether the value of a key is this string, given as JSON text without escapes. */
  hasText(key: number, text: Buffer): boolean {
    if (!this.has(key)) return false;
    const start = this.valueStart(key);
    const end = this.valueEnd(key);
    if (isText(this.#bytes, start, end, text)) return true;
    // An escape makes a string longer than it is.
    const mayBeEscaped = end - start > text.length && this.#bytes[start] === QUOTE;
    return mayBeEscaped && JSON.stringify(stringIn(this.#bytes, start, end)) === text.toString();
  }

  /** Returns the value of a key where it is a string; undefined for any other value, and where the key is not there. */
  text(key: number): string | undefined {
    if (!this.has(key)) return undefined;
    return stringIn(this.#bytes, this.valueStart(key), this.valueEnd(key));
  }

  /** Returns the value of a key as a finite number; undefined for any other value, and where the key is not there. */
  number(key: number): number | undefined {
    if (!this.has(key)) return undefined;
    const value = Number(this.#bytes.toString('latin1', this.valueStart(key), this.valueEnd(key)));
    return Number.isFinite(value) ? value : undefined;
  }

  /** Writes the value of a present key, as it came. */
  writeValue(key: number, sink: ByteSink): void {
    sink.range(this.#bytes, this.valueStart(key), this.valueEnd(key));
  }

  /** Writes a present key and its value, as they came. */
  writeMember(key: number, sink: ByteSink): void {
    const member = this.#member[key] ?? NONE;
    sink.range(this.#bytes, this.#members.keyStart(member), this.#members.valueEnd(member));
  }

  /**
   * Writes all members but those of a set, neighbours together, without brackets; the first one behind a comma where it
   * follows something. Returns whether what comes next follows something.
   */
  writeWithout(set: number, isFollowing: boolean, sink: ByteSink): boolean {
    const members = this.#members;
    const { count } = members;
    const leftOut = (set | (1 << REPEATED)) & this.present;
    let isNext = isFollowing;
    for (let member = 0; member < count; member += 1) {
      if (this.#isOneOf(leftOut, member)) continue;
      const start = members.keyStart(member);
      if (leftOut === 0) member = count - 1;
      else while (member + 1 < count && !this.#isOneOf(leftOut, member + 1)) member += 1;
      if (isNext) sink.byte(COMMA);
      sink.range(this.#bytes, start, members.valueEnd(member));
      isNext = true;
    }
    return isNext;
  }

  #isOneOf(set: number, member: number): boolean {
    const number = this.#numbers[member] ?? UNKNOWN;
    return number >= 0 && (set & (1 << number)) !== 0;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
const LETTER_N = 0x6e;
