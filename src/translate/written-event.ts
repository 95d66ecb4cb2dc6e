import type { ClientEvent } from '../matrix/client-event.ts';
import type { EventId } from '../matrix/identifiers.ts';
import { ARRAY_END, ARRAY_START, COMMA, isText, OBJECT_START, QUOTE } from '../stream/json-bytes.ts';
import { JsonMembers, skipSpace } from '../stream/json-members.ts';
import { JsonReaderError } from '../stream/json-reader.ts';
import { KnownKeys, stringIn } from './known-keys.ts';

/**
 * A written event is an event of a page as the homeserver wrote it: its place among the page's bytes, and those of its
 * members that tell whether it is given, and how.
 *
 * A catch-up is pages of events that go from one answer into another. To parse them is cheap; to let the parser's objects
 * wait, be collected, and be written out again is not.
 */
export class WrittenEvent {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** The event's type; empty where it has none. */
  readonly type: string;
  /** Whether its type is a string, and its content an object, null or not there: what every client relies on. */
  readonly isEvent: boolean;
  readonly event_id: EventId | undefined;
  /** Whether its legacy form may be put together from ranges of it; the ranges that follow are good only then. */
  readonly isPlain: boolean;
  readonly senderStart: number;
  readonly senderEnd: number;
  readonly unsignedStart: number;
  /** The value of `room_id` begins here and ends at `roomIdEnd`; both are 0 where there is none. */
  readonly roomIdStart: number;
  readonly roomIdEnd: number;

  /** `members` are those of the object in `bytes`; they are not needed any more after this. */
  constructor(bytes: Buffer, members: JsonMembers) {
    let type = NONE;
    let eventId = NONE;
    let sender = NONE;
    let unsigned = NONE;
    let roomId = NONE;
    let content = NONE;
    let isPlain = true;
    for (let member = 0; member < members.count; member += 1) {
      switch (KEYS.numberOf(bytes, members, member)) {
        case UNKNOWN:
          break;
        case KEY.type:
          type = member;
          break;
        case KEY.event_id:
          eventId = member;
          break;
        case KEY.sender:
          sender = member;
          break;
        case KEY.unsigned:
          if (unsigned !== NONE) isPlain = false;
          unsigned = member;
          break;
        case KEY.content:
          content = member;
          break;
        case KEY.room_id:
          if (roomId !== NONE) isPlain = false;
          roomId = member;
          break;
        default:
          isPlain = false;
      }
    }
    this.bytes = bytes;
    this.start = members.start;
    this.end = members.end;
    this.type = textOf(bytes, members, type) ?? '';
    const first = content === NONE ? LETTER_N : bytes[members.valueStart(content)];
    this.isEvent =
      type !== NONE &&
      bytes[members.valueStart(type)] === QUOTE &&
      (first === OBJECT_START || first === LETTER_N);
    this.event_id = textOf(bytes, members, eventId) as EventId | undefined;
    const isOdd = sender === NONE || unsigned === NONE || WITH_OTHER_CONTENT.has(this.type);
    this.isPlain = isPlain && !isOdd;
    this.senderStart = sender === NONE ? 0 : members.valueStart(sender);
    this.senderEnd = sender === NONE ? 0 : members.valueEnd(sender);
    this.unsignedStart = unsigned === NONE ? 0 : members.valueStart(unsigned);
    this.roomIdStart = roomId === NONE ? 0 : members.valueStart(roomId);
    this.roomIdEnd = roomId === NONE ? 0 : members.valueEnd(roomId);
  }

  /** Throws what JSON.parse throws, where the event is not well-formed inside. */
  parse(): ClientEvent {
    return JSON.parse(this.bytes.toString('utf8', this.start, this.end)) as ClientEvent;
  }
}

/**
 * The events of an answer of `/messages`, in its order; none where its `chunk` is null or not there.
 *
 * Throws a `JsonReaderError` where the answer is no object that ends where the bytes end, so that a cut page never passes
 * as whole, or where what its `chunk` holds are no events.
 */
export function readWrittenEvents(answer: Buffer): WrittenEvent[] {
  const members = new JsonMembers();
  const isUsual = isText(answer, 0, Math.min(USUAL_START.length, answer.length), USUAL_START);
  const start = isUsual ? USUAL_START.length : chunkStart(answer, members);
  const events: WrittenEvent[] = [];
  const end = start === undefined ? undefined : readElements(answer, start, members, events);
  if (isUsual && end !== undefined && !(members.findBehind(answer, end) && isAllOf(answer, members)))
    throw new JsonReaderError('An answer ends too early');
  return events;
}

/** Reads the elements of the list that begins before `start`; returns where it ends. */
function readElements(answer: Buffer, start: number, members: JsonMembers, events: WrittenEvent[]): number {
  let at = skipSpace(answer, start);
  if (answer[at] === ARRAY_END) return at + 1;
  for (;;) {
    if (!members.find(answer, at)) throw new JsonReaderError('An event is no object, or not well-formed');
    events.push(new WrittenEvent(answer, members));
    at = skipSpace(answer, members.end);
    if (answer[at] === ARRAY_END) return at + 1;
    if (answer[at] !== COMMA) throw new JsonReaderError('A list of events is not well-formed');
    at = skipSpace(answer, at + 1);
  }
}

const NONE = -1;
const UNKNOWN = -1;
const KEY = { type: 0, event_id: 1, sender: 2, unsigned: 3, room_id: 4, content: 5 } as const;

/** The keys that are read; those behind the first six show that the event is in the legacy format already. */
const KEYS = new KnownKeys([
  ...Object.keys(KEY),
  'user_id',
  'age',
  'prev_content',
  'replaces_state',
  'redacted_because',
  'invite_room_state',
  'knock_room_state',
]);

/** Most homeservers begin an answer with these bytes. */
const USUAL_START = Buffer.from('{"chunk":[');
const CHUNK = new KnownKeys(['chunk']);

/** Returns where the elements of `chunk` begin; undefined where the answer has none. */
function chunkStart(answer: Buffer, members: JsonMembers): number | undefined {
  if (!members.find(answer, skipSpace(answer, 0)) || !isAllOf(answer, members))
    throw new JsonReaderError('An answer is no object');
  for (let member = members.count - 1; member >= 0; member -= 1) {
    if (CHUNK.numberOf(answer, members, member) === UNKNOWN) continue;
    const start = members.valueStart(member);
    if (answer[start] === ARRAY_START) return start + 1;
    if (answer[start] === LETTER_N) return undefined;
    throw new JsonReaderError('`chunk` is no list');
  }
  return undefined;
}

const LETTER_N = 0x6e;

/** Tells whether nothing follows the object. */
const isAllOf = (answer: Buffer, { end }: JsonMembers): boolean => skipSpace(answer, end) === answer.length;

/** Returns a member's value where it is a string; undefined where it is not. */
function textOf(bytes: Buffer, members: JsonMembers, member: number): string | undefined {
  return member === NONE ? undefined : stringIn(bytes, members.valueStart(member), members.valueEnd(member));
}

/** The types whose legacy content may differ: a redaction has `redacts` in two places, power levels have `users`. */
const WITH_OTHER_CONTENT: ReadonlySet<string> = new Set(['m.room.redaction', 'm.room.power_levels']);
