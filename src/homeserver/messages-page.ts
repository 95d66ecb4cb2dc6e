import { JsonMembers, skipSpace } from '../stream/json-members.ts';
import { JsonReaderError } from '../stream/json-reader.ts';
import type { MessagesToken } from '../matrix/identifiers.ts';
import { KnownKeys } from '../translate/known-keys.ts';
import { KnownMembers } from '../translate/known-members.ts';
import { readWrittenEvents, type WrittenEvent } from '../translate/written-event.ts';
import { readOrRefuse } from './unreadable-answer.ts';

/** Events that a page of `/messages` is asked for: Dendrite and Conduit give no more. @see docs/reference/homeservers.md#messages */
export const PAGE_LIMIT = 100;

/**
 * An answer of `/messages` as it came, of which only `end` is read: where the next page starts has to be known at once,
 * what the page holds not before it is given to a client.
 *
 * Throws a 502 where the answer is no object; that nothing of it is missing is sure when its events were read.
 */
export class MessagesPage {
  /** The whole answer. */
  readonly bytes: Buffer;
  /** The page's end; absent when nothing lies beyond. */
  readonly end: MessagesToken | undefined;
  #events: readonly WrittenEvent[] | undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.end = (endAtTheEnd(bytes) as MessagesToken | undefined) ?? readTokens(bytes).end;
  }

  /** Returns the token at which the page begins. */
  get start(): MessagesToken | undefined {
    return readTokens(this.bytes).start;
  }

  /** The events, in the order of the answer. Throws a 502 where they cannot be read, or the answer is not whole. */
  get events(): readonly WrittenEvent[] {
    this.#events ??= readOrRefuse(() => checked(readWrittenEvents(this.bytes)));
    return this.#events;
  }
}

/**
 * An answer that lies between two places of a room → those places, as it has them at its own level. Nothing else of it is
 * read, as it may hold a room's whole state. Throws a 502 where it is no object, or a token is no string.
 */
export function readTokens(answer: Buffer): { start?: MessagesToken; end?: MessagesToken } {
  return readOrRefuse(() => {
    const members = new JsonMembers();
    if (!members.find(answer, skipSpace(answer, 0))) throw new JsonReaderError('An answer is no object');
    const known = new KnownMembers(KEYS);
    known.read(answer, members);
    const [start, end] = [tokenIn(known, KEY.start), tokenIn(known, KEY.end)];
    return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
  });
}

function tokenIn(answer: KnownMembers, key: number): MessagesToken | undefined {
  if (!answer.hasValue(key)) return undefined;
  const token = answer.text(key);
  if (token === undefined) throw new JsonReaderError('A token is no string');
  return token as MessagesToken;
}

function checked(events: readonly WrittenEvent[]): readonly WrittenEvent[] {
  if (events.every(({ isEvent }) => isEvent)) return events;
  throw new JsonReaderError('An event has no type, or no object for content');
}

const KEY = { start: 0, end: 1 } as const;
const KEYS = new KnownKeys(Object.keys(KEY));

/** It is twice as long as the longest tokens of any homeserver. */
const TAIL_BYTES = 1024;

/**
 * `"end"` and whatever other strings stand behind it as the last members of an object. In JSON a quotation mark that no
 * backslash precedes begins or ends a string, so where one ends before the last bracket, those before it alternate, and
 * nothing of this can lie inside a string. That the object is the whole answer is proved by reading its events.
 */
const END_AT_THE_END = /[{,]\s*"end"\s*:\s*"([ !#-[\]-~]*)"(?:\s*,\s*"[^"\\]*"\s*:\s*"[^"\\]*")*\s*\}\s*$/;

/** The value of `end` where it stands among the last members, as homeservers write it; undefined where it does not. */
function endAtTheEnd(bytes: Buffer): string | undefined {
  return END_AT_THE_END.exec(bytes.toString('latin1', Math.max(0, bytes.length - TAIL_BYTES)))?.[1];
}
