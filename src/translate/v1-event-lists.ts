// Answers that hold events: `/state`, `/members`, `/context`, and one event.

import { checkEvent } from './checked-event.ts';
import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';
import { ByteSink } from '../stream/byte-sink.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import {
  JsonReader,
  JsonReaderError,
  type JsonPath,
  type JsonStep,
  type JsonVisitor,
} from '../stream/json-reader.ts';
import { LegacyEventBytes } from './legacy-event-bytes.ts';

export interface EventListContext {
  /** Tells where the events stand: the answer is an event, a list of them, or an object with lists of them. */
  places: 'event' | 'list' | 'object';
  roomId: RoomId;
  nowMs: Milliseconds;
}

/** The members of such an object that are lists of events; `event` is a single one. */
const LISTS: readonly unknown[] = ['chunk', 'events_before', 'events_after', 'state'];

/**
 * The homeserver's answer as it comes → the same with legacy events, a piece for each of its own: nothing is held but
 * the event that is being read. All else is copied; a list that came as null is an empty one.
 *
 * Throws a `JsonReaderError` where the answer is no JSON, is neither of these, or ends too early.
 */
export async function* toLegacyEvents(
  answer: AsyncIterable<Buffer>,
  context: EventListContext,
): AsyncGenerator<Buffer, void> {
  const writer = new EventListWriter(context);
  const reader = new JsonReader(writer);
  for await (const bytes of answer) {
    reader.push(bytes);
    if (writer.sink.length > 0) yield Buffer.from(writer.sink.drain());
  }
  reader.end();
  if (!writer.isWhole) throw new JsonReaderError('The JSON text is of another kind');
  yield Buffer.from(writer.sink.drain());
}

class EventListWriter implements JsonVisitor {
  /** Whether the answer was what it should be, from its start to its end. */
  isWhole = false;
  /** The sink for what was written since it was last drained. */
  readonly sink = new ByteSink(FIRST_BYTES);
  readonly #context: EventListContext;
  readonly #events: LegacyEventBytes;
  /** How deep lists of events begin: 1 in an object, 0 where the answer is the list. */
  readonly #listDepth: number;
  /** The opening bracket, written with the first value inside, so that an answer without sense is not begun. */
  #opening: string;
  #memberSeparator = '';
  #eventSeparator = '';
  /** The key of a list that is not written yet. Where the next value is not in it, the list was null. */
  #announced: string | undefined;

  constructor(context: EventListContext) {
    this.#context = context;
    this.#events = new LegacyEventBytes(context.roomId, context.nowMs);
    this.#listDepth = context.places === 'object' ? 1 : 0;
    this.#opening = { event: '', list: '[', object: '{' }[context.places];
  }

  visit(path: JsonPath): JsonStep {
    if (this.#context.places === 'event') return 'take members';
    if (path.length === 1) this.#open(typeof path[0] === 'number');
    if (path.length > this.#listDepth) return 'take members';
    if (path.length === 0) return 'enter';
    this.#writeAnnounced(']');
    if (path[0] === 'event') return 'take members';
    if (!LISTS.includes(path[0])) return 'take';
    this.#announced = String(path[0]);
    return 'enter';
  }

  /** Takes a value that is no event, wherever it stands. */
  take(path: JsonPath, bytes: Buffer): void {
    this.#begin(path);
    this.sink.bytes(bytes);
  }

  takeMembers(path: JsonPath, bytes: Buffer, members: JsonMembers): void {
    checkEvent(bytes, members);
    this.#begin(path);
    this.#events.write(bytes, members, this.sink);
  }

  leave(path: JsonPath): void {
    if (path.length === 0) this.#open(this.#context.places === 'list');
    if (path.length === 0) this.isWhole = true;
    if (path.length === this.#listDepth) {
      this.#writeAnnounced('');
      this.sink.text(']');
    } else {
      this.#writeAnnounced(']');
      this.sink.text('}');
    }
  }

  /** Writes what stands before a value. */
  #begin(path: JsonPath): void {
    if (path.length > this.#listDepth) {
      this.#writeAnnounced('');
      this.sink.text(this.#eventSeparator);
      this.#eventSeparator = ',';
    } else if (path.length === 0) this.isWhole = true;
    else this.#writeKey(String(path[0]));
  }

  #open(isList: boolean): void {
    if (isList !== (this.#context.places === 'list'))
      throw new JsonReaderError('The JSON text is of another kind');
    this.sink.text(this.#opening);
    this.#opening = '';
  }

  #writeAnnounced(end: '' | ']'): void {
    if (this.#announced === undefined) return;
    this.#writeKey(this.#announced);
    this.sink.text(`[${end}`);
    this.#eventSeparator = '';
    this.#announced = undefined;
  }

  #writeKey(key: string): void {
    this.sink.text(`${this.#memberSeparator}${JSON.stringify(key)}:`);
    this.#memberSeparator = ',';
  }
}

const FIRST_BYTES = 4 * 1024;
