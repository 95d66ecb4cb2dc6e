import type { Milliseconds } from '../matrix/identifiers.ts';
import type { ByteSink } from '../stream/byte-sink.ts';
import { COMMA, isText, OBJECT_END, OBJECT_START } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { KnownKeys, setOf } from './known-keys.ts';
import { KnownMembers } from './known-members.ts';
import type { WrittenEvent } from './written-event.ts';

/** All levels of one room's events share this. */
export interface RoomEvents {
  /** The room's id as JSON text. */
  roomId: Buffer;
  nowMs: Milliseconds;
  isRaw: boolean;
}

/** The keys that an event and its `unsigned` may both have; they come first, so that their numbers are the same in both. */
const SHARED = [
  'age',
  'redacted_because',
  'prev_content',
  'replaces_state',
  'invite_room_state',
  'knock_room_state',
];
const EVENT = {
  age: 0,
  because: 1,
  type: 6,
  sender: 7,
  unsigned: 8,
  room_id: 9,
  user_id: 10,
  origin_server_ts: 11,
  redacts: 12,
  content: 13,
} as const;
const EVENT_KEYS = new KnownKeys([
  ...SHARED,
  'type',
  'sender',
  'unsigned',
  'room_id',
  'user_id',
  'origin_server_ts',
  'redacts',
  'content',
]);
export const UNSIGNED = { age: 0, because: 1, relations: 6, membership: 7, transaction_id: 8 } as const;
const UNSIGNED_KEYS = new KnownKeys([...SHARED, 'm.relations', 'membership', 'transaction_id']);
/** These are copied, not moved: clients of 2014 read the top level, later ones `unsigned`. */
const COPIED = [2, 3, 4, 5];
const ALL_COPIED = setOf(...COPIED);
const CONTENT = { redacts: 0, users: 1 } as const;
const CONTENT_KEYS = new KnownKeys(['redacts', 'users']);

/** A level writes the events that stand in the room, or the redactions inside them. */
export class LegacyLevel {
  readonly #room: RoomEvents;
  /** The keys that are left out of `unsigned`. */
  readonly #without: number;
  readonly #event = new KnownMembers(EVENT_KEYS);
  readonly #unsigned = new KnownMembers(UNSIGNED_KEYS);
  /** The content of a redaction, or of power levels. */
  #content: KnownMembers | undefined;
  readonly #age = new Value();
  readonly #redacts = new Value();
  /** Makes the level below when it is needed, as few events are redacted; absent at the last level. */
  readonly #createInner: (() => LegacyLevel) | undefined;
  #inner: LegacyLevel | undefined;

  constructor(room: RoomEvents, without: number, createInner: (() => LegacyLevel) | undefined) {
    this.#room = room;
    this.#without = without;
    this.#createInner = createInner;
  }

  writeAt(bytes: Buffer, start: number, sink: ByteSink): number {
    const event = this.#event;
    event.readAt(bytes, start);
    const { end } = event;
    this.#write(bytes, sink);
    return end;
  }

  write(bytes: Buffer, members: JsonMembers, sink: ByteSink): void {
    this.#event.read(bytes, members);
    this.#write(bytes, sink);
  }

  /** Writes an event that only has to be added to; returns false for any other, of which nothing is written. */
  writePlain(event: WrittenEvent, sink: ByteSink): boolean {
    const { bytes, roomIdStart, roomIdEnd } = event;
    const { isRaw, roomId } = this.#room;
    const unsigned = this.#unsigned;
    const hasRoomId = roomIdEnd > 0;
    if (!event.isPlain || isRaw || !unsigned.readAt(bytes, event.unsignedStart)) return false;
    if ((unsigned.present & NOT_PLAIN) !== 0 || (unsigned.present & this.#without) !== 0) return false;
    if (!unsigned.hasValue(UNSIGNED.age) || isOne(bytes, unsigned, UNSIGNED.age)) return false;
    if (hasRoomId && !isText(bytes, roomIdStart, roomIdEnd, roomId)) return false;
    sink.range(bytes, event.start, event.end - 1);
    if (!hasRoomId) {
      sink.bytes(ROOM_ID);
      sink.bytes(roomId);
    }
    sink.bytes(USER_ID);
    sink.range(bytes, event.senderStart, event.senderEnd);
    this.#writeCopies(sink);
    sink.byte(COMMA);
    unsigned.writeMember(UNSIGNED.age, sink);
    sink.byte(OBJECT_END);
    return true;
  }

  #write(bytes: Buffer, sink: ByteSink): void {
    const event = this.#event;
    const hasUnsigned =
      event.has(EVENT.unsigned) && this.#unsigned.readAt(bytes, event.valueStart(EVENT.unsigned));
    if (!hasUnsigned) this.#unsigned.readAt(EMPTY_OBJECT, 0);
    sink.byte(OBJECT_START);
    if (this.#room.isRaw) this.#writeRaw(bytes, sink);
    else this.#writeLegacy(bytes, sink);
    sink.byte(OBJECT_END);
  }

  #writeRaw(bytes: Buffer, sink: ByteSink): void {
    const event = this.#event;
    this.#writeRoomId(event.writeWithout(setOf(EVENT.room_id, EVENT.unsigned), false, sink), sink);
    if (event.has(EVENT.unsigned)) this.#writeUnsigned(bytes, false, sink);
  }

  #writeLegacy(bytes: Buffer, sink: ByteSink): void {
    const event = this.#event;
    const unsigned = this.#unsigned;
    const hasAge = this.#findAge(bytes);
    const hasRedacts = this.#findRedacts(bytes);
    const lacksUsers = this.#lacksUsers(bytes);
    const hasInner = this.#hasInner(bytes);
    const hasSender = event.has(EVENT.sender);
    let replaced = REPLACED | (unsigned.present & ALL_COPIED);
    if (hasSender) replaced |= 1 << EVENT.user_id;
    if (hasRedacts) replaced |= REDACTED_PARTS;
    if (lacksUsers) replaced |= 1 << EVENT.content;
    if (hasInner) replaced |= 1 << EVENT.because;
    this.#writeRoomId(event.writeWithout(replaced, false, sink), sink);
    if (hasSender) {
      sink.bytes(USER_ID);
      event.writeValue(EVENT.sender, sink);
    }
    this.#writeCopies(sink);
    if (hasAge) this.#age.write(AGE, true, sink);
    if (hasRedacts) this.#writeRedacts(sink);
    if (lacksUsers) this.#writeUsers(sink);
    if (hasInner) this.#writeInner(bytes, true, sink);
    this.#writeUnsigned(bytes, hasAge, sink);
  }

  #writeRoomId(isFollowing: boolean, sink: ByteSink): void {
    sink.range(ROOM_ID, isFollowing ? 0 : 1, ROOM_ID.length);
    sink.bytes(this.#room.roomId);
  }

  #writeCopies(sink: ByteSink): void {
    const unsigned = this.#unsigned;
    if ((unsigned.present & ALL_COPIED) === 0) return;
    for (const key of COPIED) {
      if (!unsigned.has(key)) continue;
      sink.byte(COMMA);
      unsigned.writeMember(key, sink);
    }
  }

  #writeUnsigned(bytes: Buffer, hasAge: boolean, sink: ByteSink): void {
    const hasInner = this.#hasInner(bytes);
    let replaced = this.#without;
    if (!this.#room.isRaw) replaced |= 1 << UNSIGNED.age;
    if (hasInner) replaced |= 1 << UNSIGNED.because;
    sink.bytes(UNSIGNED_START);
    let isFollowing = this.#unsigned.writeWithout(replaced, false, sink);
    if (hasAge) {
      this.#age.write(AGE, isFollowing, sink);
      isFollowing = true;
    }
    if (hasInner) this.#writeInner(bytes, isFollowing, sink);
    sink.byte(OBJECT_END);
  }

  #hasInner(bytes: Buffer): boolean {
    const unsigned = this.#unsigned;
    if (this.#createInner === undefined || !unsigned.has(UNSIGNED.because)) return false;
    return bytes[unsigned.valueStart(UNSIGNED.because)] === OBJECT_START;
  }

  #writeInner(bytes: Buffer, isFollowing: boolean, sink: ByteSink): void {
    sink.range(BECAUSE, isFollowing ? 0 : 1, BECAUSE.length);
    this.#inner ??= this.#createInner?.();
    this.#inner?.writeAt(bytes, this.#unsigned.valueStart(UNSIGNED.because), sink);
  }

  /** Finds the event's age, as it came or counted; returns whether it has one. */
  #findAge(bytes: Buffer): boolean {
    const isTold = this.#findToldAge(bytes);
    if (isTold && !this.#age.isOne) return true;
    const sentAt = this.#event.number(EVENT.origin_server_ts);
    if (sentAt === undefined) return isTold;
    this.#age.is(Buffer.from(JSON.stringify(Math.max(0, this.#room.nowMs - sentAt))));
    return true;
  }

  #findToldAge(bytes: Buffer): boolean {
    if (this.#unsigned.hasValue(UNSIGNED.age)) this.#age.of(bytes, this.#unsigned, UNSIGNED.age);
    else if (this.#event.hasValue(EVENT.age)) this.#age.of(bytes, this.#event, EVENT.age);
    else return false;
    return true;
  }

  /** Finds what a redaction redacts: its place depends on the room's version, and legacy clients look on top. */
  #findRedacts(bytes: Buffer): boolean {
    const event = this.#event;
    if (!event.hasText(EVENT.type, REDACTION)) return false;
    this.#content ??= new KnownMembers(CONTENT_KEYS);
    const content = this.#content;
    if (!event.has(EVENT.content) || !content.readAt(bytes, event.valueStart(EVENT.content)))
      content.readAt(EMPTY_OBJECT, 0);
    if (event.hasValue(EVENT.redacts)) this.#redacts.of(bytes, event, EVENT.redacts);
    else if (content.hasValue(CONTENT.redacts)) this.#redacts.of(bytes, content, CONTENT.redacts);
    else return false;
    return true;
  }

  /** Tells whether the event is power levels without `users`. */
  #lacksUsers(bytes: Buffer): boolean {
    const event = this.#event;
    if (!event.hasText(EVENT.type, POWER_LEVELS) || !event.has(EVENT.content)) return false;
    this.#content ??= new KnownMembers(CONTENT_KEYS);
    return (
      this.#content.readAt(bytes, event.valueStart(EVENT.content)) && !this.#content.hasValue(CONTENT.users)
    );
  }

  #writeUsers(sink: ByteSink): void {
    sink.bytes(CONTENT_START);
    const isFollowing = this.#content?.writeWithout(setOf(CONTENT.users), false, sink) ?? false;
    sink.range(USERS, isFollowing ? 0 : 1, USERS.length);
    sink.byte(OBJECT_END);
  }

  #writeRedacts(sink: ByteSink): void {
    this.#redacts.write(REDACTS, true, sink);
    sink.bytes(CONTENT_START);
    const isFollowing = this.#content?.writeWithout(setOf(CONTENT.redacts), false, sink) ?? false;
    this.#redacts.write(REDACTS, isFollowing, sink);
    sink.byte(OBJECT_END);
  }
}

const REPLACED = setOf(EVENT.room_id, EVENT.unsigned, EVENT.age);
const REDACTED_PARTS = setOf(EVENT.redacts, EVENT.content);
const NOT_PLAIN = setOf(UNSIGNED.because, UNSIGNED.relations, 4, 5);
const EMPTY_OBJECT: Buffer = Buffer.from('{}');
const REDACTION = Buffer.from('"m.room.redaction"');
const POWER_LEVELS = Buffer.from('"m.room.power_levels"');
const USERS = Buffer.from(',"users":{}');
const ROOM_ID = Buffer.from(',"room_id":');
const USER_ID = Buffer.from(',"user_id":');
const AGE = Buffer.from(',"age":');
const BECAUSE = Buffer.from(',"redacted_because":');
const REDACTS = Buffer.from(',"redacts":');
const UNSIGNED_START = Buffer.from(',"unsigned":{');
const CONTENT_START = Buffer.from(',"content":{');

const DIGIT_ONE = 0x31;

/**
 * Tells whether the age is 1, which Conduit says of every event: the age is computed then.
 *
 * @see docs/homeservers.md#conduit
 */
const isOne = (bytes: Buffer, members: KnownMembers, key: number): boolean =>
  members.valueEnd(key) - members.valueStart(key) === 1 && bytes[members.valueStart(key)] === DIGIT_ONE;

/** A value of an event that is written in two places. */
class Value {
  #bytes = EMPTY_OBJECT;
  #start = 0;
  #end = 0;

  of(bytes: Buffer, members: KnownMembers, key: number): void {
    this.#bytes = bytes;
    this.#start = members.valueStart(key);
    this.#end = members.valueEnd(key);
  }

  is(text: Buffer): void {
    this.#bytes = text;
    this.#start = 0;
    this.#end = text.length;
  }

  get isOne(): boolean {
    return this.#end - this.#start === 1 && this.#bytes[this.#start] === DIGIT_ONE;
  }

  /** Writes the value behind its key; `key` begins with a comma, for a member that follows another. */
  write(key: Buffer, isFollowing: boolean, sink: ByteSink): void {
    sink.range(key, isFollowing ? 0 : 1, key.length);
    sink.range(this.#bytes, this.#start, this.#end);
  }
}
