import type { ByteSink } from '../stream/byte-sink.ts';
import { COMMA, QUOTE } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';
import { JsonReaderError } from '../stream/json-reader.ts';

/**
 * A JSON object whose members are copied as bytes, but for some that are left out: no number loses a digit, no key is
 * lost, and nothing is parsed.
 */
export class SplicedObject {
  readonly #bytes: Buffer;
  readonly #members: JsonMembers;

  /** `bytes` may hold more than the object where its members are given. Throws a `JsonReaderError` for what is no object. */
  constructor(bytes: Buffer, members?: JsonMembers) {
    this.#bytes = bytes;
    this.#members = members ?? new JsonMembers();
    if (members === undefined && !this.#members.find(bytes, 0))
      throw new JsonReaderError('An event is no object, or not well-formed');
  }

  /** The object's own bytes, as they came. */
  get bytes(): Buffer {
    return this.#bytes.subarray(this.#members.start, this.#members.end);
  }

  /** Returns a member's value as JSON text, where it is a string. The same string always gives the same text. */
  stringText(name: string): string | undefined {
    const members = this.#members;
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
