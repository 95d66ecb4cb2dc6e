import { JsonMembers } from './json-members.ts';
import {
  ARRAY_END,
  ARRAY_START,
  BACKSLASH,
  COLON,
  COMMA,
  OBJECT_END,
  OBJECT_START,
  QUOTE,
} from './json-bytes.ts';

// This reader takes JSON of any size: bytes are pushed in as they come, and values come out as the visitor asks for them.
// Nothing is parsed here. A taken value is handed over as bytes, a skipped one is only searched for its end.

/** A path lists the keys and indices from the root to a value. It changes while reading goes on: copy what is to be kept. */
export type JsonPath = readonly (string | number)[];

export type JsonStep = 'enter' | 'take' | 'take members' | 'skip';

export interface JsonVisitor {
  /**
   * Is called where a value begins, and says what to do with it. `enter`: go on inside (of an object or array; anything
   * else is skipped). `take`: hand it over as bytes. `take members`: as `take`, with the places of an object's members.
   * `skip`: leave it out. `first` is the value's first byte, which tells its type.
   */
  visit(path: JsonPath, first: number): JsonStep;
  /** Is given a taken value: a whole JSON text, valid until the next push. */
  take(path: JsonPath, bytes: Buffer): void;
  /**
   * Is given an object whose members were asked for. It lies in `bytes` from `members.start` to `members.end`; both are
   * valid during the call. A value that is no object, or an odd one, is given to `take` instead.
   */
  takeMembers?(path: JsonPath, bytes: Buffer, members: JsonMembers): void;
  /** Is called where an entered object or array has ended. */
  leave(path: JsonPath): void;
}

/** This error says that bytes are no JSON, end too early, or hold a value that is too large to take. */
export class JsonReaderError extends Error {
  override readonly name = 'JsonReaderError';
}

/** So many objects may be entered within each other; the translations enter seven at most. */
const MOST_DEPTH = 64;
/** The longest keys are ids, of at most 255 bytes; a whole event has no more than this. */
const MOST_KEY_BYTES = 64 * 1024;
/** 256 times the largest event that Matrix allows. */
const DEFAULT_MOST_VALUE_BYTES = 16 * 1024 * 1024;

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

/** A value or key whose end is being looked for, maybe over many chunks. */
interface Span {
  purpose: 'take' | 'take members' | 'skip' | 'key';
  /** How many brackets are open; a number or a word has none and ends where something else begins. */
  depth: number;
  isScalar: boolean;
  isInString: boolean;
  isEscaped: boolean;
  /** The pieces that came in earlier chunks. */
  parts: Buffer[];
  bytes: number;
}

export class JsonReader {
  readonly #visitor: JsonVisitor;
  readonly #mostValueBytes: number;
  readonly #path: (string | number)[] = [];
  readonly #isArray: boolean[] = [];
  #at = 0;
  #expected: Expected = 'value';
  #span: Span | undefined;
  readonly #members = new JsonMembers();

  constructor(visitor: JsonVisitor, options: { mostValueBytes?: number } = {}) {
    this.#visitor = visitor;
    this.#mostValueBytes = options.mostValueBytes ?? DEFAULT_MOST_VALUE_BYTES;
  }

  /**
   * Returns the place of the visited value's first byte, or of the left value's last one, in the chunk that was
   * pushed.
   */
  get at(): number {
    return this.#at;
  }

  /** Reads on. Throws a `JsonReaderError`, and whatever the visitor throws. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#span === undefined ? this.#readStructure(chunk, at) : this.#readSpan(chunk, at, this.#span);
    }
  }

  /** Is to be called when all bytes were pushed. Throws where the value is not complete. */
  end(): void {
    // A number at the root ends with the bytes.
    if (this.#span?.isScalar === true && this.#path.length === 0) this.#finish(this.#span, Buffer.alloc(0));
    if (this.#expected !== 'nothing') throw new JsonReaderError('The JSON text ends too early');
  }

  /** Reads up to the start of the next value or key. */
  #readStructure(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
      this.#at = at;
      if (!this.#beginsSpan(byte)) continue;
      if (this.#span?.purpose !== 'take members' || !this.#takeMembers(chunk, at)) return at;
      at = this.#members.end - 1;
    }
    return chunk.length;
  }

  /** One look at the bytes finds the end of the object and its members. False where its end is not in this chunk. */
  #takeMembers(chunk: Buffer, start: number): boolean {
    if (!this.#members.find(chunk, start)) return false;
    this.#span = undefined;
    this.#visitor.takeMembers?.(this.#path, chunk, this.#members);
    this.#valueEnded();
    return true;
  }

  /** Takes one byte of structure; true where it is the first one of a span, which will read it again. */
  #beginsSpan(byte: number): boolean {
    switch (this.#expected) {
      case 'value or end':
        if (byte === ARRAY_END) return this.#leave(true);
        return this.#beginValue(byte);
      case 'value':
        return this.#beginValue(byte);
      case 'key or end':
        if (byte === OBJECT_END) return this.#leave(false);
        return this.#beginKey(byte);
      case 'key':
        return this.#beginKey(byte);
      case 'colon':
        if (byte !== COLON) throw unexpected(byte);
        this.#expected = 'value';
        return false;
      case 'comma or end':
        return this.#next(byte);
      case 'nothing':
        throw unexpected(byte);
    }
  }

  #beginKey(byte: number): boolean {
    if (byte !== QUOTE) throw unexpected(byte);
    this.#span = newSpan('key', false);
    return true;
  }

  #beginValue(byte: number): boolean {
    if (byte === ARRAY_END || byte === OBJECT_END || byte === COMMA || byte === COLON) throw unexpected(byte);
    const isContainer = byte === OBJECT_START || byte === ARRAY_START;
    const step = this.#visitor.visit(this.#path, byte);
    if (step === 'enter' && isContainer) return this.#enter(byte === ARRAY_START);
    this.#span = newSpan(step === 'enter' ? 'skip' : step, !isContainer && byte !== QUOTE);
    return true;
  }

  #enter(isArray: boolean): false {
    if (this.#isArray.length >= MOST_DEPTH) throw new JsonReaderError('The JSON text is nested too deeply');
    this.#isArray.push(isArray);
    if (isArray) this.#path.push(0);
    this.#expected = isArray ? 'value or end' : 'key or end';
    return false;
  }

  #next(byte: number): false {
    const isArray = this.#isArray.at(-1) ?? false;
    if (byte === (isArray ? ARRAY_END : OBJECT_END)) return this.#leave(isArray);
    if (byte !== COMMA) throw unexpected(byte);
    if (isArray) this.#path.push((this.#path.pop() as number) + 1);
    else this.#path.pop();
    this.#expected = isArray ? 'value' : 'key';
    return false;
  }

  #leave(isArray: boolean): false {
    this.#isArray.pop();
    // An empty object has no key on the path.
    if (isArray || this.#expected === 'comma or end') this.#path.pop();
    this.#visitor.leave(this.#path);
    this.#valueEnded();
    return false;
  }

  #valueEnded(): void {
    this.#expected = this.#isArray.length === 0 ? 'nothing' : 'comma or end';
  }

  /** Reads up to the end of the span or of the chunk. This loop sees most bytes of an answer. */
  #readSpan(chunk: Buffer, start: number, span: Span): number {
    if (span.isScalar) return this.#readScalar(chunk, start, span);
    const { length } = chunk;
    let { depth, isInString } = span;
    // The first byte belongs to an escape at the end of the last chunk.
    let at = span.isEscaped ? start + 1 : start;
    while (at < length) {
      if (isInString) {
        while (at < length) {
          const byte = chunk[at];
          if (byte === QUOTE) break;
          at += byte === BACKSLASH ? 2 : 1;
        }
        if (at >= length) break;
        at += 1;
        isInString = false;
        if (depth === 0) return this.#finishAt(chunk, start, at, span);
        continue;
      }
      const byte = chunk[at];
      at += 1;
      if (byte === QUOTE) isInString = true;
      else if (byte === OBJECT_START || byte === ARRAY_START) depth += 1;
      else if (byte === OBJECT_END || byte === ARRAY_END) {
        depth -= 1;
        if (depth === 0) return this.#finishAt(chunk, start, at, span);
      }
    }
    span.depth = depth;
    span.isInString = isInString;
    span.isEscaped = at > length;
    this.#keep(chunk.subarray(start), span);
    return length;
  }

  #readScalar(chunk: Buffer, start: number, span: Span): number {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte <= 0x20 || byte === COMMA || byte === OBJECT_END || byte === ARRAY_END) {
        return this.#finishAt(chunk, start, at, span);
      }
    }
    this.#keep(chunk.subarray(start), span);
    return chunk.length;
  }

  /** Keeps a piece of a span that goes on in the next chunk. Copied, as the chunk may be used again. */
  #keep(piece: Buffer, span: Span): void {
    if (span.purpose === 'skip') return;
    span.bytes += piece.length;
    this.#refuseLarge(span);
    span.parts.push(Buffer.from(piece));
  }

  #refuseLarge({ purpose, bytes }: Span): void {
    const most = purpose === 'key' ? MOST_KEY_BYTES : this.#mostValueBytes;
    if (bytes > most)
      throw new JsonReaderError(`A ${purpose === 'key' ? 'key' : 'value'} is larger than ${most} bytes`);
  }

  #finishAt(chunk: Buffer, start: number, end: number, span: Span): number {
    this.#finish(span, chunk.subarray(start, end));
    return end;
  }

  #finish(span: Span, last: Buffer): void {
    span.bytes += last.length;
    if (span.purpose !== 'skip') this.#refuseLarge(span);
    const bytes = span.parts.length === 0 ? last : Buffer.concat([...span.parts, last]);
    this.#span = undefined;
    if (span.purpose === 'key') {
      this.#path.push(keyOf(bytes));
      this.#expected = 'colon';
      return;
    }
    if (span.purpose === 'take members' && this.#members.find(bytes, 0))
      this.#visitor.takeMembers?.(this.#path, bytes, this.#members);
    else if (span.purpose !== 'skip') this.#visitor.take(this.#path, bytes);
    this.#valueEnded();
  }
}

function newSpan(purpose: Span['purpose'], isScalar: boolean): Span {
  return { purpose, isScalar, depth: 0, isInString: false, isEscaped: false, parts: [], bytes: 0 };
}

/** A key's bytes with their quotes → its text. */
function keyOf(bytes: Buffer): string {
  if (!bytes.includes(BACKSLASH)) return bytes.toString('utf8', 1, bytes.length - 1);
  try {
    return JSON.parse(bytes.toString()) as string;
  } catch (cause) {
    throw new JsonReaderError('A key is no JSON string', { cause });
  }
}

function unexpected(byte: number): JsonReaderError {
  return new JsonReaderError(`Unexpected ${JSON.stringify(String.fromCharCode(byte))} in the JSON text`);
}
