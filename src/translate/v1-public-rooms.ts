import type { ByteSink } from '../stream/byte-sink.ts';
import { ARRAY_START, COMMA, OBJECT_END, OBJECT_START, QUOTE } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { JsonReaderError, type JsonPath, type JsonStep, type JsonVisitor } from '../stream/json-reader.ts';
import { KnownKeys, setOf, stringIn } from './known-keys.ts';
import { KnownMembers } from './known-members.ts';

/** The beginning of a list of rooms, with the constants that api/v1 had for `start` and `end`. */
export const PUBLIC_ROOMS_START = '{"start":"START","end":"END","chunk":[';

/**
 * A page of the room directory, value by value (it is the visitor of a `stream/json-reader.ts`) → its rooms as api/v1 had
 * them, with commas between: with `aliases`, which became one `canonical_alias`; all else of a room is copied. Of the
 * page's other members those that `others` holds when it was read.
 */
export class PublicRoomsPage implements JsonVisitor {
  /** How many rooms were written. */
  count = 0;
  nextBatch: string | undefined;
  /** The page's other members as JSON text, each with a comma before it. */
  readonly others: string[] = [];
  readonly #sink: ByteSink;
  #isFollowing: boolean;
  readonly #room = new KnownMembers(KEYS);

  /** `isFollowing`: whether rooms of another page come before. */
  constructor(sink: ByteSink, isFollowing: boolean) {
    this.#sink = sink;
    this.#isFollowing = isFollowing;
  }

  visit(path: JsonPath, first: number): JsonStep {
    if (path.length > 1) return 'take members';
    if (path.length === 0) {
      if (first !== OBJECT_START) throw new JsonReaderError('The answer is no object');
      return 'enter';
    }
    if (path[0] === 'chunk') return first === ARRAY_START ? 'enter' : 'skip';
    return path[0] === 'start' || path[0] === 'end' ? 'skip' : 'take';
  }

  take(path: JsonPath, bytes: Buffer): void {
    if (path.length > 1) throw new JsonReaderError('A room is no object, or not well-formed');
    if (path[0] === 'next_batch') this.nextBatch = stringIn(bytes, 0, bytes.length);
    this.others.push(`,${JSON.stringify(path[0])}:${bytes.toString()}`);
  }

  takeMembers(_path: JsonPath, bytes: Buffer, members: JsonMembers): void {
    const sink = this.#sink;
    const room = this.#room;
    if (this.#isFollowing) sink.byte(COMMA);
    this.#isFollowing = true;
    this.count += 1;
    room.read(bytes, members);
    if (room.has(KEY.aliases) && bytes[room.valueStart(KEY.aliases)] === ARRAY_START) {
      sink.range(bytes, members.start, members.end);
      return;
    }
    sink.byte(OBJECT_START);
    const hasMembers = room.writeWithout(setOf(KEY.aliases), false, sink);
    sink.text(hasMembers ? ',"aliases":[' : '"aliases":[');
    const hasAlias = room.has(KEY.alias) && bytes[room.valueStart(KEY.alias)] === QUOTE;
    if (hasAlias) room.writeValue(KEY.alias, sink);
    sink.text(']');
    sink.byte(OBJECT_END);
  }

  leave(): void {}
}

const KEY = { aliases: 0, alias: 1 } as const;
const KEYS = new KnownKeys(['aliases', 'canonical_alias']);
