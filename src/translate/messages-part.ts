import { checkEvent } from './checked-event.ts';
import type { EventId } from '../matrix/identifiers.ts';
import type { ByteSink } from '../stream/byte-sink.ts';
import { ARRAY_START, COMMA, OBJECT_START } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { JsonReaderError, type JsonPath, type JsonStep, type JsonVisitor } from '../stream/json-reader.ts';
import { KnownKeys, stringIn } from './known-keys.ts';
import { KnownMembers } from './known-members.ts';
import type { LegacyEventBytes } from './legacy-event-bytes.ts';
import { missingUsers, POWER_LEVELS_TYPE } from './users-of-power-levels.ts';

/** The client's page, which all parts write to. */
export interface PageWriting {
  sink: ByteSink;
  /** Writes legacy events; absent where events are written as they came. */
  legacy?: LegacyEventBytes;
  /** How many events the page has already, and their ids: some homeservers give an event on two pages. */
  count: number;
  given: Set<EventId>;
  last: EventId | undefined;
  /** Whether the last one is the room's creation. */
  isAtCreation: boolean;
  /** Keeps an event of the part's `state`, whose bytes are good until more is read. */
  holdState: (event: Buffer) => void;
}

/**
 * An answer of `/messages`, value by value (it is the visitor of a `stream/json-reader.ts`) → its events, written one
 * behind the other with commas between, and its tokens. What an earlier part gave is left out.
 */
export class MessagesPart implements JsonVisitor {
  /** How many events were written. */
  count = 0;
  start: string | undefined;
  /** The page's `end`; absent where nothing lies beyond. */
  end: string | undefined;
  hasState = false;
  readonly #writing: PageWriting;
  readonly #event = new KnownMembers(EVENT_KEYS);

  constructor(writing: PageWriting) {
    this.#writing = writing;
  }

  visit(path: JsonPath, first: number): JsonStep {
    const [key] = path;
    if (path.length === 0) {
      if (first !== OBJECT_START) throw new JsonReaderError('The answer is no object');
      return 'enter';
    }
    if (path.length > 1) return key === 'chunk' ? 'take members' : 'take';
    if (key === 'start' || key === 'end') return 'take';
    if (key !== 'chunk' && key !== 'state') return 'skip';
    if (first === ARRAY_START) return 'enter';
    if (first !== LETTER_N) throw new JsonReaderError(`\`${key}\` is no list`);
    return 'skip';
  }

  take(path: JsonPath, bytes: Buffer): void {
    if (path[0] === 'state') this.#writing.holdState(bytes);
    else if (path[0] === 'start') this.start = stringIn(bytes, 0, bytes.length);
    else if (path[0] === 'end') this.end = tokenIn(bytes);
    else throw new JsonReaderError('An event is no object, or not well-formed');
  }

  takeMembers(_path: JsonPath, bytes: Buffer, members: JsonMembers): void {
    checkEvent(bytes, members);
    const writing = this.#writing;
    const { sink, legacy, given } = writing;
    this.#event.read(bytes, members);
    const eventId = this.#event.text(EVENT.event_id) as EventId | undefined;
    if (eventId !== undefined) {
      if (given.has(eventId)) return;
      given.add(eventId);
    }
    if (writing.count > 0) sink.byte(COMMA);
    writing.count += 1;
    writing.last = eventId;
    writing.isAtCreation = this.#event.text(EVENT.type) === 'm.room.create';
    this.count += 1;
    if (legacy === undefined) this.#writeAsItCame(bytes, members);
    else legacy.write(bytes, members, sink);
  }

  /** Writes an event as it came, but power levels with `users`, as in a legacy event. */
  #writeAsItCame(bytes: Buffer, members: JsonMembers): void {
    const { sink } = this.#writing;
    const isLevels = this.#event.text(EVENT.type) === POWER_LEVELS_TYPE;
    const insertion = isLevels ? missingUsers(bytes, members) : undefined;
    const at = insertion?.at ?? members.end;
    sink.range(bytes, members.start, at);
    if (insertion !== undefined) sink.text(insertion.text);
    sink.range(bytes, at, members.end);
  }

  leave(path: JsonPath): void {
    if (path[0] === 'state') this.hasState = true;
  }
}

const LETTER_N = 0x6e;
const EVENT = { event_id: 0, type: 1 } as const;
const EVENT_KEYS = new KnownKeys(Object.keys(EVENT));

/** A token's bytes → the token, undefined for null. Throws for any other value. */
function tokenIn(bytes: Buffer): string | undefined {
  const token = stringIn(bytes, 0, bytes.length);
  if (token === undefined && bytes.toString() !== 'null') throw new JsonReaderError('A token is no string');
  return token;
}
