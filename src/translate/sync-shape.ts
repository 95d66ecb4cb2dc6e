// Every answer of `/sync` is checked here while it is read, as far as we rely on it, for every endpoint.

import { ARRAY_START, OBJECT_START, QUOTE } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';
import type { JsonPath, JsonStep, JsonVisitor } from '../stream/json-reader.ts';
import { PathTable, PathWalk } from '../stream/path-table.ts';
import { checkEvent, checkParsedEvent, UnreadableAnswer } from './checked-event.ts';

/** A shape is what a value has to be; `null` is as good as nothing, everywhere but in a list of events. */
export type Shape = 'object' | 'list' | 'event' | 'stripped state' | 'text' | 'flag' | 'any';

/** The table has the shape of each value that we rely on; all others are `any`. */
const SHAPES = new PathTable<Shape>({
  '': 'object',
  next_batch: 'text',
  'rooms|presence|account_data': 'object',
  'presence|account_data/events': 'list',
  'presence|account_data/events/*': 'event',
  'rooms/join|leave|invite|knock': 'object',
  'rooms/join|leave|invite|knock/*': 'object',
  'rooms/invite/*/invite_state': 'stripped state',
  'rooms/invite/*/invite_state/events': 'list',
  'rooms/invite/*/invite_state/events/*': 'event',
  'rooms/knock/*/knock_state': 'stripped state',
  'rooms/knock/*/knock_state/events': 'list',
  'rooms/knock/*/knock_state/events/*': 'event',
  'rooms/join|leave/*/timeline|state|account_data': 'object',
  'rooms/join|leave/*/timeline|state|account_data/events': 'list',
  'rooms/join|leave/*/timeline|state|account_data/events/*': 'event',
  'rooms/join|leave/*/timeline/limited': 'flag',
  'rooms/join|leave/*/timeline/prev_batch': 'text',
  'rooms/join/*/ephemeral': 'object',
  'rooms/join/*/ephemeral/events': 'list',
  'rooms/join/*/ephemeral/events/*': 'event',
  // Returns the shape of a member of an event that is entered.
  'rooms/join/*/ephemeral/events/*/type': 'text',
  'rooms/join/*/ephemeral/events/*/content': 'object',
});

/** A walk through one answer, which knows the shape of each value; a value's parent is asked about before the value. */
export class SyncShapes {
  readonly #walk = new PathWalk(SHAPES);

  /** Returns what a value that begins has to be. Throws an `UnreadableAnswer` where it begins as one of another type does. */
  enter(path: JsonPath, first: number): Shape {
    const shape = this.#walk.enter(path) ?? 'any';
    if (!isOfShape(shape, first)) throw new UnreadableAnswer(`${path.join('.')} is not of its type`);
    return shape;
  }

  /** Returns the shape of a value that was entered and is taken now. */
  at(path: JsonPath): Shape {
    return this.#walk.at(path) ?? 'any';
  }
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
  readonly #shapes = new SyncShapes();
  readonly #members = new JsonMembers();
  #hasNextBatch = false;

  constructor(inner: JsonVisitor, isSyncToken: (text: string) => boolean) {
    this.#inner = inner;
    this.#isSyncToken = isSyncToken;
  }

  visit(path: JsonPath, first: number): JsonStep {
    this.#shapes.enter(path, first);
    return this.#inner.visit(path, first);
  }

  take(path: JsonPath, bytes: Buffer): void {
    if (path.length === 1 && path[0] === 'next_batch') {
      checkNextBatch(JSON.parse(bytes.toString()), this.#isSyncToken);
      this.#hasNextBatch = true;
    } else this.#check(this.#shapes.at(path), bytes);
    this.#inner.take(path, bytes);
  }

  takeMembers(path: JsonPath, bytes: Buffer, members: JsonMembers): void {
    if (this.#shapes.at(path) === 'event') checkEvent(bytes, members);
    this.#inner.takeMembers?.(path, bytes, members);
  }

  leave(path: JsonPath): void {
    if (path.length === 0 && !this.#hasNextBatch) throw new UnreadableAnswer('the answer has no next_batch');
    this.#inner.leave(path);
  }

  #check(shape: Shape, bytes: Buffer): void {
    if (shape === 'stripped state') checkEvents(bytes);
    if (shape !== 'event') return;
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
    case 'stripped state':
      return first === OBJECT_START || first === LETTER_N;
    case 'list':
      return first === ARRAY_START || first === LETTER_N;
    case 'text':
      return first === QUOTE || first === LETTER_N;
    case 'flag':
      return first === LETTER_T || first === LETTER_F || first === LETTER_N;
  }
}
