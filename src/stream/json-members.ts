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

const SPACE = 0x20;

/** An event has at most 65,536 bytes, and a member at least four: what has more members than this is no event. */
const MOST_MEMBERS = 65_536;
const FIRST_MEMBERS = 32;
const FIELDS = 4;

/**
 * A finder of the members of one JSON object: it notes where they lie in the bytes, in one pass, without copying or parsing.
 *
 * One finder serves any number of objects, one after the other.
 */
export class JsonMembers {
  /** How many members the object has. */
  count = 0;
  /** The places of the object's opening bracket, and behind its closing one. */
  start = 0;
  end = 0;
  /** Whether a key is written with an escape, so that its bytes are not its name. */
  hasEscapedKey = false;
  #offsets = new Int32Array(FIRST_MEMBERS * FIELDS);

  /** Returns the place of the key's opening quote. */
  keyStart(member: number): number {
    return this.#offsets[member * FIELDS] ?? 0;
  }

  /** Returns the place behind the key's closing quote. */
  keyEnd(member: number): number {
    return this.#offsets[member * FIELDS + 1] ?? 0;
  }

  valueStart(member: number): number {
    return this.#offsets[member * FIELDS + 2] ?? 0;
  }

  valueEnd(member: number): number {
    return this.#offsets[member * FIELDS + 3] ?? 0;
  }

  /**
   * Finds the members of the object that begins at `start`. False where the bytes end before the object does, and where
   * it is no object, is not well-formed at its own level, or has more than 65,536 members.
   *
   * Looks at each byte once, and calls nothing for what is nested: any depth will do.
   */
  find(bytes: Uint8Array, start: number): boolean {
    if (bytes[start] !== OBJECT_START) return false;
    const at = skipSpace(bytes, start + 1);
    if (bytes[at] !== OBJECT_END) return this.#findFrom(bytes, start, at);
    this.#isEmpty(start, at + 1);
    return true;
  }

  /** Finds, as `find` does, those members of an object that follow a value which ends at `start`. */
  findBehind(bytes: Uint8Array, start: number): boolean {
    const at = skipSpace(bytes, start);
    if (bytes[at] === COMMA) return this.#findFrom(bytes, start, skipSpace(bytes, at + 1));
    this.#isEmpty(start, at + 1);
    return bytes[at] === OBJECT_END;
  }

  #isEmpty(start: number, end: number): void {
    this.start = start;
    this.end = end;
    this.count = 0;
    this.hasEscapedKey = false;
  }

  /** Finds the members from the first key on. */
  #findFrom(bytes: Uint8Array, start: number, firstKey: number): boolean {
    let offsets = this.#offsets;
    const { length } = bytes;
    this.#isEmpty(start, start);
    let at = firstKey;
    for (let field = 0; field < MOST_MEMBERS * FIELDS; field += FIELDS) {
      if (bytes[at] !== QUOTE) return false;
      if (field === offsets.length) offsets = this.#grow();
      offsets[field] = at;
      at = this.#endOfKey(bytes, at);
      offsets[field + 1] = at;
      at = skipSpace(bytes, at);
      if (bytes[at] !== COLON) return false;
      at = skipSpace(bytes, at + 1);
      offsets[field + 2] = at;
      const end = endOfValue(bytes, at);
      if (end === at) return false;
      at = end;
      offsets[field + 3] = at;
      at = skipSpace(bytes, at);
      if (at >= length) return false;
      this.count += 1;
      if (bytes[at] === OBJECT_END) {
        this.end = at + 1;
        return true;
      }
      if (bytes[at] !== COMMA) return false;
      at = skipSpace(bytes, at + 1);
    }
    return false;
  }

  #grow(): Int32Array<ArrayBuffer> {
    const grown = new Int32Array(this.#offsets.length * 2);
    grown.set(this.#offsets);
    this.#offsets = grown;
    return grown;
  }

  /** Returns the member of this name, -1 where there is none; of a repeated name the last one counts, as in parsing. */
  named(bytes: Buffer, name: string): number {
    for (let member = this.count - 1; member >= 0; member -= 1)
      if (this.#isNamed(bytes, member, name)) return member;
    return -1;
  }

  #isNamed(bytes: Buffer, member: number, name: string): boolean {
    const start = this.keyStart(member);
    const end = this.keyEnd(member);
    if (this.hasEscapedKey) return JSON.parse(bytes.toString('utf8', start, end)) === name;
    return end - start === name.length + 2 && bytes.toString('latin1', start + 1, end - 1) === name;
  }

  #endOfKey(bytes: Uint8Array, start: number): number {
    const { length } = bytes;
    for (let at = start + 1; at < length; at += 1) {
      const byte = bytes[at];
      if (byte === QUOTE) return at + 1;
      if (byte === BACKSLASH) {
        this.hasEscapedKey = true;
        at += 1;
      }
    }
    return length;
  }
}

/** Returns the first place from `start` on that is no white space. */
export function skipSpace(bytes: Uint8Array, start: number): number {
  // Homeservers write no white space.
  if ((bytes[start] ?? 0) > SPACE) return start;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte > SPACE || !(byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09)) break;
    at += 1;
  }
  return at;
}

/** Returns the place behind the string that begins at `start`; beyond the bytes where it does not end in them. */
function endOfString(bytes: Uint8Array, start: number): number {
  const { length } = bytes;
  let at = start + 1;
  while (at < length) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return length;
}

function endOfValue(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if (first === QUOTE) return endOfString(bytes, start);
  if (first === OBJECT_START || first === ARRAY_START) return endOfBrackets(bytes, start);
  return endOfScalar(bytes, start);
}

function endOfBrackets(bytes: Uint8Array, start: number): number {
  const { length } = bytes;
  let depth = 0;
  let at = start;
  while (at < length) {
    const byte = bytes[at];
    at += 1;
    if (byte === QUOTE) {
      // This loop is written out because most bytes of an answer are in strings.
      while (at < length) {
        const inner = bytes[at];
        if (inner === QUOTE) break;
        at += inner === BACKSLASH ? 2 : 1;
      }
      at += 1;
    } else if (byte === OBJECT_START || byte === ARRAY_START) depth += 1;
    else if (byte === OBJECT_END || byte === ARRAY_END) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return length;
}

function endOfScalar(bytes: Uint8Array, start: number): number {
  const { length } = bytes;
  let at = start;
  while (at < length) {
    const byte = bytes[at] ?? 0;
    if (byte <= SPACE || byte === COMMA || byte === OBJECT_END || byte === ARRAY_END) break;
    at += 1;
  }
  return at;
}
