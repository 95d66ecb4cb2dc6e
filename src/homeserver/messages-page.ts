import { JsonMembers } from '../stream/json-members.ts';
import type { MessagesToken } from '../matrix/identifiers.ts';
import type { MessagesResponse } from '../matrix/sync.ts';

/**
 * An answer of `/messages` as it came, of which only `end` is read: where the next page starts has to be known at once,
 * what the page holds not before it is given to a client.
 */
export class MessagesPage {
  /** The whole answer, a JSON object. */
  readonly bytes: Buffer;
  /** Absent when nothing lies beyond. */
  readonly end: MessagesToken | undefined;
  readonly #parse: (bytes: Buffer) => MessagesResponse;

  /** `parse` throws what an answer that is no JSON object means. */
  constructor(bytes: Buffer, parse: (bytes: Buffer) => MessagesResponse) {
    this.bytes = bytes;
    this.#parse = parse;
    this.end = (endAtTheEnd(bytes) ?? this.#endAnywhere()) as MessagesToken | undefined;
  }

  /** All of it, parsed anew at every call. Throws where it is no JSON object. */
  parse(): MessagesResponse {
    return this.#parse(this.bytes);
  }

  #endAnywhere(): string | undefined {
    const members = new JsonMembers();
    if (!members.find(this.bytes, 0) || members.hasEscapedKey) return this.parse().end ?? undefined;
    // Of a repeated key the last one counts, as in parsing.
    for (let member = members.count - 1; member >= 0; member -= 1) {
      if (this.#text(members.keyStart(member), members.keyEnd(member)) !== '"end"') continue;
      const end: unknown = JSON.parse(this.#text(members.valueStart(member), members.valueEnd(member)));
      return typeof end === 'string' ? end : undefined;
    }
    return undefined;
  }

  #text(start: number, end: number): string {
    return this.bytes.toString('utf8', start, end);
  }
}

/** Longer than the tokens of any homeserver, twice. */
const TAIL_BYTES = 1024;

/**
 * `"end"` and whatever other strings stand behind it as the last members of an object. In JSON a quotation mark that no
 * backslash precedes begins or ends a string, so where one ends before the last bracket, those before it alternate, and
 * nothing of this can lie inside a string.
 */
const END_AT_THE_END = /[{,]\s*"end"\s*:\s*"([ !#-[\]-~]*)"(?:\s*,\s*"[^"\\]*"\s*:\s*"[^"\\]*")*\s*\}\s*$/;

/** The value of `end` where it stands among the last members, as homeservers write it; undefined where it does not. */
function endAtTheEnd(bytes: Buffer): string | undefined {
  return END_AT_THE_END.exec(bytes.toString('latin1', Math.max(0, bytes.length - TAIL_BYTES)))?.[1];
}
