// Every answer of `/sync` is checked here while it is read, as far as we rely on it, for every endpoint.

import { ARRAY_START, OBJECT_START, QUOTE } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';
import type { JsonPath, JsonStep, JsonVisitor } from '../stream/json-reader.ts';
import { checkEvent, checkParsedEvent, UnreadableAnswer } from './checked-event.ts';

/** A shape is what a value has to be; `null` is as good as nothing, everywhere but in a list of events. */
export type Shape = 'object' | 'list' | 'event' | 'text' | 'flag' | 'any';

/** A path → the shape of its value. Throws an `UnreadableAnswer` where the value begins as one of another type does. */
export function checkedShape(path: JsonPath, first: number): Shape {
  const shape = shapeAt(path);
  if (!isOfShape(shape, first)) throw new UnreadableAnswer(`${path.join('.')} is not of its type`);
  return shape;
}

/** Throws where an answer has no `next_batch`, or one that its client could not come back with. */
export function checkNextBatch(token: unknown, isSyncToken: (text: string) => boolean): void {
  if (typeof token !== 'string' || token === '') throw new UnreadableAnswer('the answer has no next_batch');
  if (!isSyncToken(token)) throw new UnreadableAnswer('next_batch is not of the shape of its homeserver');
}

/**
 * A visitor that checks a `/sync` for another one, which sees only values of their types, and a `next_batch` that
 * `isSyncToken` takes.
 */
export class CheckedSync implements JsonVisitor {
  readonly #inner: JsonVisitor;
  readonly #isSyncToken: (text: string) => boolean;
  readonly #members = new JsonMembers();
  #hasNextBatch = false;

  constructor(inner: JsonVisitor, isSyncToken: (text: string) => boolean) {
    this.#inner = inner;
    this.#isSyncToken = isSyncToken;
  }

  visit(path: JsonPath, first: number): JsonStep {
    checkedShape(path, first);
    return this.#inner.visit(path, first);
  }

  take(path: JsonPath, bytes: Buffer): void {
    if (path.length === 1 && path[0] === 'next_batch') {
      checkNextBatch(JSON.parse(bytes.toString()), this.#isSyncToken);
      this.#hasNextBatch = true;
    } else if (path.length === 4) checkEvents(bytes);
    else if (shapeAt(path) === 'event') this.#checkEvent(bytes);
    this.#inner.take(path, bytes);
  }

  takeMembers(path: JsonPath, bytes: Buffer, members: JsonMembers): void {
    if (shapeAt(path) === 'event') checkEvent(bytes, members);
    this.#inner.takeMembers?.(path, bytes, members);
  }

  leave(path: JsonPath): void {
    if (path.length === 0 && !this.#hasNextBatch) throw new UnreadableAnswer('the answer has no next_batch');
    this.#inner.leave(path);
  }

  #checkEvent(bytes: Buffer): void {
    if (this.#members.find(bytes, 0)) checkEvent(bytes, this.#members);
    else checkParsedEvent(JSON.parse(bytes.toString()));
  }
}

/** Checks an invite's state, which is taken whole. */
function checkEvents(bytes: Buffer): void {
  const batch = JSON.parse(bytes.toString()) as { events?: unknown } | null;
  const events = batch?.events ?? [];
  if (!Array.isArray(events)) throw new UnreadableAnswer('the events of an invite are no list');
  for (const event of events) checkParsedEvent(event);
}

/** A path → the shape of its value, as far as we rely on it. */
function shapeAt(path: JsonPath): Shape {
  // By index: each event comes by here, and a pattern would make an iterator.
  const top = path[0];
  const section = path[1];
  const key = path[3];
  const part = path[4];
  switch (path.length) {
    case 0:
      return 'object';
    case 1:
      if (top === 'next_batch') return 'text';
      return top === 'rooms' || top === 'presence' || top === 'account_data' ? 'object' : 'any';
    case 2:
      if (top !== 'rooms') return section === 'events' ? 'list' : 'any';
      return section === 'join' || section === 'leave' || section === 'invite' || section === 'knock'
        ? 'object'
        : 'any';
    case 3:
      return top === 'rooms' ? 'object' : 'event';
    case 4:
      return shapeOfRoomKey(section, key);
    case 5:
      if (part === 'limited') return 'flag';
      if (part === 'prev_batch') return 'text';
      return part === 'events' ? 'list' : 'any';
    case 6:
      return 'event';
    default:
      return shapeOfMember(path);
  }
}

/** A path inside an event that is entered → the shape of its value. */
function shapeOfMember(path: JsonPath): Shape {
  const [, , , , , , name] = path;
  if (path.length !== 7 || (name !== 'type' && name !== 'content')) return 'any';
  return name === 'type' ? 'text' : 'object';
}

function shapeOfRoomKey(section: string | number | undefined, key: string | number | undefined): Shape {
  const isWanted =
    section === 'invite' || section === 'knock'
      ? key === `${section}_state`
      : key === 'timeline' ||
        key === 'state' ||
        key === 'account_data' ||
        (key === 'ephemeral' && section === 'join');
  return isWanted ? 'object' : 'any';
}

const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;

function isOfShape(shape: Shape, first: number): boolean {
  switch (shape) {
    case 'any':
      return true;
    case 'event':
      return first === OBJECT_START;
    case 'object':
      return first === OBJECT_START || first === LETTER_N;
    case 'list':
      return first === ARRAY_START || first === LETTER_N;
    case 'text':
      return first === QUOTE || first === LETTER_N;
    case 'flag':
      return first === LETTER_T || first === LETTER_F || first === LETTER_N;
  }
}
