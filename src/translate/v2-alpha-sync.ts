import type { ClientEvent, EphemeralEvent, StrippedEvent } from '../matrix/client-event.ts';
import type { Milliseconds, RoomId, UserId } from '../matrix/identifiers.ts';
import { eventsOf, type InvitedRoom } from '../matrix/sync.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import type { JsonStep } from '../stream/json-reader.ts';
import {
  parseEvent,
  textPiece,
  toPublishedMember,
  type Emit,
  type HeldRecord,
  type Piece,
} from './initial-sync-piece.ts';
import { toLegacyPresence } from './presence.ts';
import { SplicedObject } from './spliced-object.ts';
import { toInvitedRoomOfDraftA } from './v2-alpha-invite.ts';
import { V2AlphaRoom, type V2AlphaContext } from './v2-alpha-room.ts';

type Path = readonly (string | number)[];

export interface V2AlphaSyncContext extends V2AlphaContext {
  userId: UserId;
  nowMs: Milliseconds;
  /** The whole event of an invite, where it is known by the time that invites are released. */
  inviteOf(roomId: RoomId): ClientEvent | undefined;
}

type Section = 'join' | 'invite' | 'leave';

/** Draft B has the sections under the names of its time. */
const SECTIONS: Readonly<Record<Section, string>> = { join: 'joined', invite: 'invited', leave: 'archived' };

const isSection = (key: string | number | undefined): key is Section =>
  key === 'join' || key === 'invite' || key === 'leave';

/**
 * A `/sync`, initial or not, value by value (it is the visitor of a `stream/json-reader.ts`) → the pieces of the answer
 * that v2_alpha's `/sync` gave in 2015, in either of its drafts.
 *
 * No order of keys is assumed, any key may be missing or null. What the drafts did not have is left out: knocks, the
 * account's own data, to-device messages, counts and summaries.
 *
 * Differs: rooms that the user left are in draft A's list. A client would not learn that it was kicked.
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export class V2AlphaSyncTranslation {
  readonly #context: V2AlphaSyncContext;
  readonly #emit: Emit;
  /** The keys of the answer that were begun, sections of rooms among them. */
  readonly #written = new Set<string>();
  #separator = '';
  #itemSeparator = '';
  #room: V2AlphaRoom | undefined;
  #invitedId: string | undefined;
  #isComplete = false;

  constructor(context: V2AlphaSyncContext, emit: Emit) {
    this.#context = context;
    this.#emit = emit;
    this.#text('{');
  }

  /** Whether the whole answer was given. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  visit(path: Path): JsonStep {
    const [top, section, , key, part] = path;
    const isRooms = top === 'rooms';
    switch (path.length) {
      case 0:
        return 'enter';
      case 1:
        if (top === 'next_batch') return 'take';
        return isRooms || top === 'presence' ? 'enter' : 'skip';
      case 2:
        return (isRooms ? isSection(section) : section === 'events') ? 'enter' : 'skip';
      case 3:
        return isRooms ? 'enter' : 'take';
      case 4:
        return this.#visitRoom(section, key);
      case 5:
        if (part === 'limited' || part === 'prev_batch') return 'take';
        return part === 'events' ? 'enter' : 'skip';
      default:
        return section === 'invite' ? 'take' : 'take members';
    }
  }

  take(path: Path, bytes: Buffer): void {
    const [top, section, , key, part] = path;
    if (top === 'next_batch') this.#nextBatch(bytes);
    else if (top === 'presence') this.#presence(bytes);
    else if (path.length === 4) this.#hold('invites', path, bytes);
    else if (section === 'invite') this.#inviteState(path, bytes);
    else if (part === 'limited') this.#roomOf(path).takeLimited(bytes);
    else if (part === 'prev_batch') this.#roomOf(path).takePrevBatch(bytes);
    else this.#roomOf(path).takeEvent(String(key), new SplicedObject(bytes));
  }

  takeMembers(path: Path, bytes: Buffer, members: JsonMembers): void {
    this.#roomOf(path).takeEvent(String(path[3]), new SplicedObject(bytes, members));
  }

  leave(path: Path): void {
    const [top, section, , key] = path;
    if (path.length === 0) this.#end();
    else if (path.length === 1) this.#endTop(String(top));
    else if (path.length === 2 && isSection(section)) this.#endSection(section);
    else if (path.length === 3 && isSection(section)) this.#endRoom(path, section);
    else if (path.length === 4 && section !== 'invite') this.#roomOf(path).leave(String(key));
  }

  get #isDraftA(): boolean {
    return this.#context.draft.name === 'A';
  }

  #visitRoom(section: string | number | undefined, key: string | number | undefined): JsonStep {
    if (section === 'invite') {
      if (key !== 'invite_state') return 'skip';
      return this.#isDraftA ? 'take' : 'enter';
    }
    if (key === 'ephemeral') return section === 'join' ? 'enter' : 'skip';
    return key === 'timeline' || key === 'state' || key === 'account_data' ? 'enter' : 'skip';
  }

  #roomOf([, section, roomId]: Path): V2AlphaRoom {
    if (this.#room === undefined) {
      this.#beginRoom(section as Section);
      this.#room = new V2AlphaRoom(roomId as RoomId, section as 'join' | 'leave', this.#context, this.#emit);
    }
    return this.#room;
  }

  #endRoom(path: Path, section: Section): void {
    if (section !== 'invite') {
      this.#roomOf(path).end();
      this.#room = undefined;
    } else if (!this.#isDraftA) {
      this.#beginInvite(path);
      this.#text(']}}');
    } else if (this.#invitedId !== path[2]) {
      this.#hold('invites', path, Buffer.from('null'));
    }
    this.#invitedId = undefined;
  }

  #hold(slot: 'invites', path: Path, bytes: Buffer): void {
    this.#invitedId = String(path[2]);
    this.#emit({ kind: 'hold', slot, roomId: path[2] as RoomId, bytes });
  }

  /** Writes an element of draft B's `invite_state`, which is the modern one. */
  #inviteState(path: Path, bytes: Buffer): void {
    const separator = this.#beginInvite(path) ? '' : ',';
    this.#text(separator);
    this.#emit({ kind: 'bytes', bytes });
  }

  /** Begins an invited room; returns whether it had not begun yet. */
  #beginInvite([, , roomId]: Path): boolean {
    if (this.#invitedId === roomId) return false;
    this.#invitedId = roomId as string;
    this.#beginRoom('invite');
    this.#text(`${JSON.stringify(roomId)}:{"invite_state":{"events":[`);
    this.#emit({ kind: 'understood' });
    return true;
  }

  /** Writes up to where the next room stands. */
  #beginRoom(section: Section): void {
    this.#beginSection(section);
    this.#text(this.#itemSeparator);
    this.#itemSeparator = ',';
  }

  #beginSection(section: Section): void {
    const { rooms } = this.#context.draft;
    if (!this.#written.has('rooms')) {
      this.#key('rooms', rooms.start);
      this.#itemSeparator = '';
    }
    if (this.#isDraftA || this.#written.has(section)) return;
    const isFirst = !Object.keys(SECTIONS).some((other) => this.#written.has(other));
    this.#written.add(section);
    this.#text(`${isFirst ? '' : ','}"${SECTIONS[section]}":{`);
    this.#itemSeparator = '';
  }

  #endSection(section: Section): void {
    this.#beginSection(section);
    if (!this.#isDraftA) this.#text('}');
  }

  #endRooms(): void {
    const { rooms } = this.#context.draft;
    if (!this.#written.has('rooms')) {
      this.#key('rooms', rooms.start);
      this.#itemSeparator = '';
    }
    if (this.#isDraftA) this.#invitesOfDraftA();
    else
      for (const section of Object.keys(SECTIONS) as Section[])
        if (!this.#written.has(section)) this.#endSection(section);
    this.#text(rooms.end);
  }

  /** Writes the invited rooms of draft A: they stand in the list with the others, last, as their events must be asked for. */
  #invitesOfDraftA(): void {
    const separator = this.#itemSeparator;
    const toPieces = (held: HeldRecord, index: number): Piece[] => [
      textPiece(index === 0 ? separator : ','),
      ...this.#invite(held),
    ];
    this.#emit({ kind: 'release', slot: 'invites', toPieces });
  }

  #invite({ roomId, bytes }: HeldRecord): Piece[] {
    const { userId, nowMs, roomToken } = this.#context;
    const room = toInvitedRoomOfDraftA({
      roomId,
      userId,
      inviteState: eventsOf<StrippedEvent>(parseEvent<InvitedRoom['invite_state']>(bytes)),
      notification: this.#context.inviteOf(roomId),
      nowMs,
      prevBatch: roomToken(roomId, null, 'before'),
    });
    return [
      textPiece(JSON.stringify(room).slice(0, -1)),
      { kind: 'visibility', roomId, toText: toPublishedMember },
      textPiece('}'),
    ];
  }

  #nextBatch(bytes: Buffer): void {
    const token: unknown = JSON.parse(bytes.toString());
    if (typeof token !== 'string') throw new Error('next_batch is no string');
    this.#key('next_batch', `"next_batch":${JSON.stringify(token)}`);
  }

  #presence(bytes: Buffer): void {
    const isFirst = !this.#written.has('presence');
    if (isFirst) this.#key('presence', this.#context.draft.presence.start);
    else this.#text(',');
    const presence = toLegacyPresence(parseEvent<EphemeralEvent>(bytes));
    this.#context.onPresence?.(presence);
    if (this.#isDraftA) this.#text(JSON.stringify(presence));
    else this.#emit({ kind: 'bytes', bytes });
  }

  #endTop(top: string): void {
    if (top === 'rooms') this.#endRooms();
    else if (top === 'presence' && this.#written.has(top)) this.#text(this.#context.draft.presence.end);
  }

  #end(): void {
    const { presence } = this.#context.draft;
    if (!this.#written.has('next_batch')) throw new Error('the answer has no next_batch');
    if (!this.#written.has('rooms')) this.#endRooms();
    if (!this.#written.has('presence')) this.#key('presence', presence.start + presence.end);
    if (this.#isDraftA) this.#key('private_user_data', '"private_user_data":[]');
    this.#text('}');
    this.#emit({ kind: 'understood' });
    this.#isComplete = true;
  }

  /** Begins a key of the answer. */
  #key(name: string, text: string): void {
    this.#written.add(name);
    this.#text(this.#separator + text);
    this.#separator = ',';
  }

  #text(text: string): void {
    this.#emit(textPiece(text));
  }
}
