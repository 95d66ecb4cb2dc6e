import type { JsonObject } from '../matrix/client-event.ts';
import type { ByteSink } from '../stream/byte-sink.ts';
import { COMMA, QUOTE } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';

/**
 * A JSON object whose members are copied as bytes, but for some that are left out: no number loses a digit, no key is
 * lost, and nothing is parsed.
 */
export class SplicedObject {
  readonly #bytes: Buffer;
  readonly #members: JsonMembers | undefined;
  /** Only of what has too many members to be looked at in the bytes. */
  readonly #parsed: JsonObject | undefined;

  /** `bytes` may hold more than the object where its members are given. Throws for what is no object. */
  constructor(bytes: Buffer, members?: JsonMembers) {
    this.#bytes = bytes;
    if (members !== undefined) {
      this.#members = members;
      return;
    }
    const found = new JsonMembers();
    if (found.find(bytes, 0)) this.#members = found;
    else this.#parsed = parseObject(bytes);
  }

  /** The object alone, as it came. */
  get bytes(): Buffer {
    const members = this.#members;
    return members === undefined ? this.#bytes : this.#bytes.subarray(members.start, members.end);
  }

  /** A member's value as JSON text, where it is a string. The same string always gives the same text. */
  stringText(name: string): string | undefined {
    const members = this.#members;
    if (members === undefined) {
      const value = this.#parsed?.[name];
      return typeof value === 'string' ? JSON.stringify(value) : undefined;
    }
    // Of a repeated key the last one counts, as in parsing.
    for (let member = members.count - 1; member >= 0; member -= 1) {
      if (!this.#isNamed(members, member, name)) continue;
      const start = members.valueStart(member);
      const end = members.valueEnd(member);
      if (this.#bytes[start] !== QUOTE) return undefined;
      const text = this.#bytes.toString('utf8', start, end);
      return text.includes('\\') ? JSON.stringify(JSON.parse(text)) : text;
    }
    return undefined;
  }

  /** Writes the members, without brackets and without those named; `separator` before the first, where there is one. */
  writeWithout(names: readonly string[], separator: string, sink: ByteSink): void {
    const members = this.#members;
    if (members === undefined) {
      const kept = Object.entries(this.#parsed ?? {}).filter(([name]) => !names.includes(name));
      if (kept.length > 0) sink.text(separator + JSON.stringify(Object.fromEntries(kept)).slice(1, -1));
      return;
    }
    let isFirst = true;
    for (let member = 0; member < members.count; member += 1) {
      if (this.#isOneOf(members, member, names)) continue;
      if (!isFirst) sink.byte(COMMA);
      else if (separator !== '') sink.text(separator);
      isFirst = false;
      sink.range(this.#bytes, members.keyStart(member), members.valueEnd(member));
    }
  }

  #isOneOf(members: JsonMembers, member: number, names: readonly string[]): boolean {
    for (const name of names) if (this.#isNamed(members, member, name)) return true;
    return false;
  }

  #isNamed(members: JsonMembers, member: number, name: string): boolean {
    const start = members.keyStart(member);
    const end = members.keyEnd(member);
    if (members.hasEscapedKey) return JSON.parse(this.#bytes.toString('utf8', start, end)) === name;
    if (end - start !== name.length + 2) return false;
    for (let at = name.length - 1; at >= 0; at -= 1) {
      if (this.#bytes[start + 1 + at] !== name.charCodeAt(at)) return false;
    }
    return true;
  }
}

function parseObject(bytes: Buffer): JsonObject {
  const value: unknown = JSON.parse(bytes.toString());
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is no object');
  return value as JsonObject;
}
