import type { ClientEvent } from '../matrix/client-event.ts';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import type { ByteSink } from '../stream/byte-sink.ts';
import { ARRAY_END, ARRAY_START, COMMA, isText, OBJECT_END, QUOTE } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';
import { LEGACY_ALREADY, MORE_THAN_A_COPY, roleOf, roleTable } from './member-roles.ts';
import { UnsignedBytes } from './unsigned-bytes.ts';

/**
 * An event of a page as the homeserver wrote it: where it lies among the page's bytes, and of its members those that tell
 * whether it is given, and how.
 *
 * A catch-up is pages of events that go from one answer into another. To parse them is cheap; to let the parser's objects
 * wait, be collected, and be written out again is not.
 */
export class WrittenEvent {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly type: string;
  readonly event_id: EventId | undefined;
  /** Whether its legacy form may be put together from ranges of it; the ranges that follow are good only then. */
  readonly isPlain: boolean;
  readonly senderStart: number;
  readonly senderEnd: number;
  readonly unsignedStart: number;
  readonly unsignedEnd: number;
  /** Both 0 where it has no `room_id`. */
  readonly roomIdStart: number;
  readonly roomIdEnd: number;

  /** `members` are those of the object in `bytes`; they are not needed any more after this. */
  constructor(bytes: Buffer, members: JsonMembers) {
    let type = NONE;
    let eventId = NONE;
    let sender = NONE;
    let unsigned = NONE;
    let roomId = NONE;
    let isPlain = !members.hasEscapedKey;
    for (let member = 0; member < members.count; member += 1) {
      switch (roleOf(ROLES, bytes, members, member)) {
        case 'type':
          type = member;
          break;
        case 'event_id':
          eventId = member;
          break;
        case 'sender':
          sender = member;
          break;
        case 'unsigned':
          if (unsigned !== NONE) isPlain = false;
          unsigned = member;
          break;
        case 'room_id':
          if (roomId !== NONE) isPlain = false;
          roomId = member;
          break;
        case 'involved':
          isPlain = false;
          break;
        default:
      }
    }
    this.bytes = bytes;
    this.start = members.start;
    this.end = members.end;
    this.type = textOf(bytes, members, type) ?? '';
    this.event_id = textOf(bytes, members, eventId) as EventId | undefined;
    // A redaction has `redacts` in two places.
    const isOdd =
      sender === NONE || unsigned === NONE || this.type === '' || this.type === 'm.room.redaction';
    this.isPlain = isPlain && !isOdd;
    this.senderStart = sender === NONE ? 0 : members.valueStart(sender);
    this.senderEnd = sender === NONE ? 0 : members.valueEnd(sender);
    this.unsignedStart = unsigned === NONE ? 0 : members.valueStart(unsigned);
    this.unsignedEnd = unsigned === NONE ? 0 : members.valueEnd(unsigned);
    this.roomIdStart = roomId === NONE ? 0 : members.valueStart(roomId);
    this.roomIdEnd = roomId === NONE ? 0 : members.valueEnd(roomId);
  }

  /** Throws what JSON.parse throws, where the event is not well-formed inside. */
  parse(): ClientEvent {
    return JSON.parse(this.bytes.toString('utf8', this.start, this.end)) as ClientEvent;
  }
}

/**
 * The events of an answer of `/messages`, in its order; undefined where they are written in a way that wants a parser:
 * a key that is escaped, an element that is no object, or what is no JSON at all.
 */
export function readWrittenEvents(answer: Buffer): WrittenEvent[] | undefined {
  const members = new JsonMembers();
  const events: WrittenEvent[] = [];
  let at = chunkStart(answer, members);
  if (at === undefined) return undefined;
  if (answer[at] === ARRAY_END) return events;
  for (;;) {
    if (!members.find(answer, at) || members.hasEscapedKey) return undefined;
    events.push(new WrittenEvent(answer, members));
    at = members.end;
    if (answer[at] === ARRAY_END) return events;
    if (answer[at] !== COMMA) return undefined;
    at += 1;
  }
}

/** A room's events → their legacy form, as bytes. */
export class LegacyEventBytes {
  readonly roomId: RoomId;
  readonly #roomId: Buffer;
  readonly #unsigned = new UnsignedBytes({ leavesOut: false });

  constructor(roomId: RoomId) {
    this.roomId = roomId;
    this.#roomId = Buffer.from(JSON.stringify(roomId));
  }

  /** Writes the event as `toLegacyEvent` gives it. False where it is not plain: then nothing is written. */
  write(event: WrittenEvent, sink: ByteSink): boolean {
    const { bytes, roomIdStart, roomIdEnd } = event;
    const hasRoomId = roomIdEnd > 0;
    if (!event.isPlain || !this.#unsigned.read(bytes, event.unsignedStart)) return false;
    if (hasRoomId && !isText(bytes, roomIdStart, roomIdEnd, this.#roomId)) return false;
    sink.range(bytes, event.start, event.end - 1);
    if (!hasRoomId) {
      sink.bytes(ROOM_ID);
      sink.bytes(this.#roomId);
    }
    sink.bytes(USER_ID);
    sink.range(bytes, event.senderStart, event.senderEnd);
    this.#unsigned.writeCopies(bytes, sink);
    sink.byte(OBJECT_END);
    return true;
  }
}

const NONE = -1;
const ROOM_ID = Buffer.from(',"room_id":');
const USER_ID = Buffer.from(',"user_id":');

const ROLES = roleTable<'type' | 'event_id' | 'sender' | 'unsigned' | 'room_id' | 'involved'>({
  type: 'type',
  event_id: 'event_id',
  sender: 'sender',
  unsigned: 'unsigned',
  room_id: 'room_id',
  ...MORE_THAN_A_COPY,
  ...LEGACY_ALREADY,
});

/** How most homeservers begin an answer. */
const USUAL_START = Buffer.from('{"chunk":[');
const CHUNK = Buffer.from('"chunk"');

/** Where the elements of `chunk` begin; undefined where the answer has none, or is odd. */
function chunkStart(answer: Buffer, members: JsonMembers): number | undefined {
  if (isText(answer, 0, Math.min(USUAL_START.length, answer.length), USUAL_START)) return USUAL_START.length;
  if (!members.find(answer, 0) || members.hasEscapedKey) return undefined;
  for (let member = members.count - 1; member >= 0; member -= 1) {
    if (!isText(answer, members.keyStart(member), members.keyEnd(member), CHUNK)) continue;
    const start = members.valueStart(member);
    return answer[start] === ARRAY_START ? start + 1 : undefined;
  }
  return undefined;
}

/** The value of a member that is a string; undefined of any other. */
function textOf(bytes: Buffer, members: JsonMembers, member: number): string | undefined {
  if (member === NONE) return undefined;
  const start = members.valueStart(member);
  const end = members.valueEnd(member);
  if (bytes[start] !== QUOTE) return undefined;
  const text = bytes.toString('utf8', start + 1, end - 1);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}
