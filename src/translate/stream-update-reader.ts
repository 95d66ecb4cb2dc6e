import type { ClientEvent, StrippedEvent } from '../matrix/client-event.ts';
import type { RoomId, SyncToken, UserId } from '../matrix/identifiers.ts';
import { QUOTE } from '../stream/json-bytes.ts';
import { parseExactly } from '../stream/exact-json.ts';
import { JsonMembers } from '../stream/json-members.ts';
import type { JsonPath, JsonStep, JsonVisitor } from '../stream/json-reader.ts';
import { checkEvent, checkParsedEvent, UnreadableAnswer } from './checked-event.ts';
import { SyncShapes, type Shape } from './sync-shape.ts';
import { EphemeralWriter } from './ephemeral-bytes.ts';
import type { PendingRoom, StreamUpdate, WrittenEphemeral } from './events.ts';
import { ReadRoom, toRoomTimeline } from './stream-update-room.ts';
import { InitialSyncSigns } from './whole-initial-sync.ts';
import { WrittenEvent } from './written-event.ts';

/** A keeper of the bytes of an answer that may be held. */
export interface HeldBytes {
  /** Takes so many more bytes for timelines; returns whether they may be held. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** A whole incremental `/sync`, as it was read. */
export interface SyncUpdate extends StreamUpdate {
  nextBatch: SyncToken;
  /** Whether the answer tells everything from the beginning: see `InitialSyncSigns`. */
  isInitial: boolean;
}

const STEPS: Readonly<Record<Shape, JsonStep>> = {
  object: 'enter',
  list: 'enter',
  'stripped state': 'enter',
  event: 'take members',
  text: 'take',
  flag: 'take',
  any: 'skip',
};

/** Presence, typing and receipts beyond so many bytes are left out of an answer: they are told anew all the time. */
const MOST_EPHEMERAL_BYTES = 16 * 1024 * 1024;
/** An event costs about so much beside its bytes: an object, an id. */
const BYTES_PER_EVENT = 256;

/**
 * An incremental `/sync`, value by value → everything that legacy clients saw of it, and nothing else.
 *
 * Differs: presence-once, own-membership-once, no-own-presence-on-join, events-before-a-leave, events-before-a-join
 * Differs: no-invites-of-ignored-users
 *
 * Left out: `state` but for an own leave (what changed in a gap is in the gap), to-device messages, device
 * lists, push rules, counts, summaries. Any key may be missing or null; a value of another type than Matrix gives it is
 * an `UnreadableAnswer`.
 *
 * Timelines are kept as long as `held` lets them; a room whose timeline is not kept is there without it, and not whole.
 * Those of left rooms go before those of joined ones: a room that the user left may refuse to be read later.
 *
 * @see docs/reference/synapse-legacy.md#what-the-chunk-holds-and-in-which-order
 */
export class StreamUpdateReader implements JsonVisitor {
  readonly #userId: UserId;
  readonly #held: HeldBytes;
  readonly #write = new EphemeralWriter();
  readonly #members = new JsonMembers();
  readonly #signs = new InitialSyncSigns();
  readonly #shapes = new SyncShapes();
  #nextBatch: SyncToken | undefined;
  readonly #rooms: ReadRoom[] = [];
  /** The joined rooms whose timelines are kept. */
  readonly #keptJoined: ReadRoom[] = [];
  #room: ReadRoom | undefined;
  readonly #pendingRooms: PendingRoom[] = [];
  #strippedState: StrippedEvent[] = [];
  readonly #presence: WrittenEphemeral[] = [];
  readonly #typing: WrittenEphemeral[] = [];
  readonly #receipts: WrittenEphemeral[] = [];
  readonly #tags: WrittenEphemeral[] = [];
  readonly #globalAccountData: WrittenEphemeral[] = [];
  readonly #roomAccountData: WrittenEphemeral[] = [];
  #ephemeralBytes = 0;

  constructor(userId: UserId, held: HeldBytes) {
    this.#userId = userId;
    this.#held = held;
  }

  /** Ends the reading and returns what was read. Throws where the answer has no `next_batch`. */
  finish(): SyncUpdate {
    if (this.#nextBatch === undefined) throw new UnreadableAnswer('the answer has no next_batch');
    return {
      nextBatch: this.#nextBatch,
      isInitial: this.#signs.isInitial,
      rooms: this.#rooms
        .map(toRoomTimeline)
        .filter(({ timeline, isWhole }) => timeline.length > 0 || !isWhole)
        .toSorted(byRoomId),
      pendingRooms: this.#pendingRooms.toSorted(invitesFirst),
      ephemeral: [
        ...this.#presence,
        ...this.#typing,
        ...this.#receipts,
        ...this.#tags,
        ...this.#globalAccountData,
        ...this.#roomAccountData,
      ],
    };
  }

  visit(path: JsonPath, first: number): JsonStep {
    const shape = this.#shapes.enter(path, first);
    if (path.length === 3 && shape === 'object') this.#startRoom(path);
    return STEPS[shape];
  }

  take(path: JsonPath, bytes: Buffer): void {
    if (path.length === 1) {
      const token = JSON.parse(bytes.toString()) as SyncToken | null;
      this.#nextBatch = token === null || token.length === 0 ? undefined : token;
    } else if (path[4] === 'limited') {
      if (this.#room !== undefined) this.#room.isLimited = bytes.toString() === 'true';
    } else if (path[4] !== 'prev_batch') this.#oddEvent(path, bytes);
  }

  takeMembers(path: JsonPath, bytes: Buffer, members: JsonMembers): void {
    const sentAt = checkEvent(bytes, members);
    const member = members.named(bytes, 'type');
    const type = textAt(bytes, members.valueStart(member), members.valueEnd(member));
    if (type === undefined) throw new UnreadableAnswer('an event has no type');
    const [top, section, roomId, key] = path;
    if (path.length === 3) {
      if (top === 'presence') this.#ephemeral(this.#presence, this.#write.presence(bytes, members));
      else this.#accountData(this.#globalAccountData, type, bytes, members);
    } else if (key === 'timeline') this.#timelineEvent(type, bytes, members, sentAt);
    else if (key === 'state') this.#stateEvent(type, bytes, members, sentAt);
    else if (key === 'account_data') {
      const list = type === 'm.tag' ? this.#tags : this.#roomAccountData;
      this.#accountData(list, type, bytes, members, roomId as RoomId);
    } else if (key === 'ephemeral') {
      const list = this.#listOf(type);
      if (list !== undefined)
        this.#ephemeral(list, this.#write.other(type, bytes, members, roomId as RoomId));
    } else if (section === 'invite' || section === 'knock') {
      this.#strippedState.push(parse(bytes, members) as StrippedEvent);
    }
  }

  leave(path: JsonPath): void {
    if (path.length !== 3 || path[0] !== 'rooms') return;
    const [, section, roomId] = path;
    if (section === 'invite' || section === 'knock') {
      this.#pendingRooms.push({
        roomId: roomId as RoomId,
        membership: section,
        strippedState: this.#strippedState,
      });
    } else this.#endRoom();
  }

  #startRoom(path: JsonPath): void {
    this.#strippedState = [];
    const isLeft = path[1] === 'leave';
    this.#room = new ReadRoom(path[2] as RoomId, isLeft);
    this.#signs.startRoom();
  }

  #endRoom(): void {
    const room = this.#room;
    if (room === undefined) return;
    this.#room = undefined;
    if (!room.isLeft) this.#signs.endRoom(room.isLimited);
    this.#rooms.push(room);
    if (!room.isLeft && room.bytes > 0) this.#keptJoined.push(room);
  }

  #timelineEvent(type: string, bytes: Buffer, members: JsonMembers, sentAt: number): void {
    const room = this.#room;
    if (room === undefined) return;
    this.#signs.roomEvent(type);
    if (type === 'm.room.member') room.noteMembership(parse(bytes, members), this.#userId);
    // Aliases events were never part of the legacy stream.
    if (type === 'm.room.aliases' || room.isDropped) return;
    const length = members.end - members.start + BYTES_PER_EVENT;
    if (!this.#makePlace(length, room)) return;
    // The event is copied, so that no chunk of a large answer is kept for a few events.
    const own = Buffer.from(bytes.subarray(members.start, members.end));
    this.#members.find(own, 0);
    room.keep(new WrittenEvent(own, this.#members), sentAt, length);
  }

  /** Reads a state event, because Conduit gives a left room no timeline, and the own leave in `state`. */
  #stateEvent(type: string, bytes: Buffer, members: JsonMembers, sentAt: number): void {
    const room = this.#room;
    this.#signs.roomEvent(type);
    if (room?.isLeft !== true || type !== 'm.room.member') return;
    const member = members.named(bytes, 'state_key');
    if (member === -1 || textAt(bytes, members.valueStart(member), members.valueEnd(member)) !== this.#userId)
      return;
    const own = Buffer.from(bytes.subarray(members.start, members.end));
    this.#members.find(own, 0);
    room.leaveInState = { event: new WrittenEvent(own, this.#members), sentAt };
  }

  /** Makes place for so many more bytes of the room; returns whether they may be kept; if not, its timeline is let go. */
  #makePlace(length: number, room: ReadRoom): boolean {
    while (!this.#held.take(length)) {
      const other = (room.isLeft ? this.#keptJoined.pop() : undefined) ?? room;
      this.#held.give(other.drop());
      if (other === room) return false;
    }
    return true;
  }

  /** Takes an event with more members than are looked at in the bytes, or a value that is no event. */
  #oddEvent(path: JsonPath, bytes: Buffer): void {
    const event = JSON.parse(bytes.toString()) as ClientEvent;
    const { type, origin_server_ts: sentAt } = checkParsedEvent(event);
    const [, , , key] = path;
    if (key !== 'timeline' || this.#room === undefined) return;
    this.#signs.roomEvent(type);
    const length = bytes.length + BYTES_PER_EVENT;
    if (this.#room.isDropped || !this.#makePlace(length, this.#room)) return;
    this.#room.keep(event, sentAt ?? 0, length);
  }

  #listOf(type: string): WrittenEphemeral[] | undefined {
    if (type === 'm.typing') return this.#typing;
    return type === 'm.receipt' ? this.#receipts : undefined;
  }

  #ephemeral(list: WrittenEphemeral[], written: WrittenEphemeral): void {
    this.#ephemeralBytes += written.bytes.length;
    if (this.#ephemeralBytes <= MOST_EPHEMERAL_BYTES) list.push(written);
  }

  /**
   * Takes account data: tags, then global, then the rooms' other; push rules are left out, as they have an API of
   * their own.
   */
  #accountData(
    list: WrittenEphemeral[],
    type: string,
    bytes: Buffer,
    members: JsonMembers,
    roomId?: RoomId,
  ): void {
    if (roomId === undefined && type === 'm.push_rules') this.#signs.pushRules();
    else list.push(this.#write.other(type, bytes, members, roomId));
  }
}

/** An event's bytes → the event, its numbers as they are spelled, because stripped state is written again. */
const parse = (bytes: Buffer, { start, end }: JsonMembers): ClientEvent =>
  parseExactly(bytes.toString('utf8', start, end)) as ClientEvent;

function textAt(bytes: Buffer, start: number, end: number): string | undefined {
  if (bytes[start] !== QUOTE) return undefined;
  const text = bytes.toString('utf8', start + 1, end - 1);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

const invitesFirst = (a: PendingRoom, b: PendingRoom): number =>
  Number(a.membership === 'knock') - Number(b.membership === 'knock');

/** Compares ids by code units, which is the same on every replica, whatever its locale. */
function byRoomId(a: { roomId: RoomId }, b: { roomId: RoomId }): number {
  if (a.roomId === b.roomId) return 0;
  return a.roomId < b.roomId ? -1 : 1;
}
