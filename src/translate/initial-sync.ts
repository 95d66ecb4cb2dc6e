import type { EphemeralEvent } from '../matrix/client-event.ts';
import type { RoomId, SyncToken } from '../matrix/identifiers.ts';
import { eventsOf, type InvitedRoom } from '../matrix/sync.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { JsonReaderError, type JsonStep } from '../stream/json-reader.ts';
import { AccountDataBytes } from './account-data-bytes.ts';
import {
  parseEvent,
  textPiece,
  toVisibilityMember,
  type Emit,
  type InitialSyncContext,
  type Piece,
} from './initial-sync-piece.ts';
import { InitialSyncRoom } from './initial-sync-room.ts';
import { toLegacyInvite } from './invite.ts';
import { isOffline, toLegacyPresence } from './presence.ts';

type Path = readonly (string | number)[];
type Step = JsonStep;

/**
 * An initial `/sync`, value by value (it is the visitor of a `stream/json-reader.ts`) → the pieces of the legacy answer.
 *
 * No order of keys is assumed, any key may be missing or null. Account data, presence and rooms are written as they
 * come; invited rooms wait until all others are written, receipts until the rooms are, `end` until everything is.
 * Differs: invited rooms come last. For the same old client.
 * Differs: chunks are full where there is something to fill them with. Native takes out what may not be seen, and that is
 * all.
 * Differs: lists of aliases are not in the state. /sync leaves these events of old rooms out.
 * Differs: with `raw` invites are as without. No modern endpoint gives their federation form.
 * Differs: chunks are in the order of arrival. Native orders them by depth, which forks in a room can tell apart.
 *
 * Left out: knocks, rooms that the user was banned from, typing, push rules, offline presence, counts and summaries.
 *
 * @see docs/reference/synapse-legacy.md#initial-sync
 * @see docs/decisions/initial-sync.md
 */
export class InitialSyncTranslation {
  readonly #context: InitialSyncContext;
  readonly #emit: Emit;
  readonly #written = new Set<string>();
  #separator = '';
  readonly #accountDataBytes = new AccountDataBytes();
  #room: InitialSyncRoom | undefined;
  #roomCount = 0;
  #nextBatch: SyncToken | undefined;
  /** The state of the invited room that is being read. */
  #inviteState: Buffer | undefined;
  /** The members that were read so far of one ephemeral event. */
  #ephemeral: { type?: string; content?: Buffer } = {};

  constructor(context: InitialSyncContext, emit: Emit) {
    this.#context = context;
    this.#emit = emit;
    this.#text('{');
  }

  /** Whether the whole answer was given. */
  get isComplete(): boolean {
    return this.#written.has('end');
  }

  visit(path: Path): Step {
    // By index: each event comes by here, and a pattern would make an iterator.
    const top = path[0];
    const section = path[1];
    const key = path[3];
    const part = path[4];
    const isRooms = top === 'rooms';
    switch (path.length) {
      case 0:
        return 'enter';
      case 3:
        if (isRooms) return 'enter';
        return top === 'account_data' ? 'take members' : 'take';
      case 1:
        return visitTop(top);
      case 2:
        return isRooms ? this.#visitSection(section) : visitEvents(section);
      case 4:
        return visitRoom(section, key);
      case 5:
        return part === 'limited' || part === 'prev_batch' ? 'take' : visitEvents(part);
      case 6:
        return key === 'ephemeral' ? 'enter' : 'take members';
      default:
        return path[6] === 'type' || path[6] === 'content' ? 'take' : 'skip';
    }
  }

  take(path: Path, bytes: Buffer): void {
    const [top, section, , , part] = path;
    if (path.length === 1) this.#nextBatch = parseEvent<SyncToken>(bytes);
    else if (top === 'presence') this.#presence(parseEvent<EphemeralEvent>(bytes));
    else if (section === 'invite') this.#inviteState = Buffer.from(bytes);
    else if (part === 'limited') this.#roomOf(path).takeLimited(bytes);
    else if (part === 'prev_batch') this.#roomOf(path).takePrevBatch(bytes);
    else if (path.length === 7) this.#takeEphemeral(path, bytes);
    else throw new JsonReaderError('An event is no object, or not well-formed');
  }

  takeMembers(path: Path, bytes: Buffer, members: JsonMembers): void {
    if (path.length === 3) this.#accountData(bytes, members);
    else this.#roomOf(path).takeEvent(String(path[3]), bytes, members);
  }

  leave(path: Path): void {
    const [top, , roomId, key] = path;
    if (path.length === 0) this.#end();
    else if (path.length === 1) this.#endTop(String(top));
    else if (path.length === 6) this.#endEphemeral(roomId as RoomId);
    else if (path.length === 4 && key !== 'ephemeral') this.#roomOf(path).leave(String(key));
    else if (path.length === 3) this.#endRoom(path);
  }

  #visitSection(section: string | number | undefined): Step {
    const isWanted =
      section === 'join' || section === 'invite' || (section === 'leave' && this.#context.archived);
    return isWanted ? 'enter' : 'skip';
  }

  #roomOf(path: Path): InitialSyncRoom {
    this.#room ??= new InitialSyncRoom(
      path[2] as RoomId,
      path[1] as 'join' | 'leave',
      this.#context,
      { nextBatch: () => this.#nextBatch, separatorOfRoom: () => this.#nextRoom() },
      this.#emit,
    );
    return this.#room;
  }

  #endRoom(path: Path): void {
    const [, section, roomId] = path;
    if (section === 'invite') {
      const bytes = this.#inviteState ?? Buffer.from('null');
      this.#inviteState = undefined;
      this.#emit({ kind: 'hold', slot: 'invites', roomId: roomId as RoomId, bytes });
      return;
    }
    this.#roomOf(path).end();
    this.#room = undefined;
  }

  /** Opens the list of rooms for the first one. */
  #nextRoom(): string {
    this.#begin('rooms');
    const separator = this.#roomCount === 0 ? '' : ',';
    this.#roomCount += 1;
    return separator;
  }

  #presence(event: EphemeralEvent): void {
    if (isOffline(event)) return;
    const presence = toLegacyPresence(event);
    this.#context.onPresence?.(presence);
    this.#item('presence', JSON.stringify(presence));
  }

  #accountData(bytes: Buffer, members: JsonMembers): void {
    const type = this.#accountDataBytes.typeOf(bytes, members);
    if (type === undefined) throw new JsonReaderError('Account data has no type');
    if (type === 'm.push_rules') return;
    this.#item('account_data', '');
    this.#accountDataBytes.write(this.#context.sink);
  }

  /** One receipt event of a large room may have megabytes: it is held as it is, and copied only where it must be. */
  #takeEphemeral(path: Path, bytes: Buffer): void {
    const ephemeral = this.#ephemeral;
    if (path[6] === 'type') ephemeral.type = parseEvent<string>(bytes);
    else if (ephemeral.type === undefined) ephemeral.content = Buffer.from(bytes);
    else this.#holdReceipt(path[2] as RoomId, ephemeral.type, bytes);
  }

  #endEphemeral(roomId: RoomId): void {
    const { type, content } = this.#ephemeral;
    this.#ephemeral = {};
    if (type !== undefined && content !== undefined) this.#holdReceipt(roomId, type, content);
  }

  #holdReceipt(roomId: RoomId, type: string, content: Buffer): void {
    if (type === 'm.receipt') this.#emit({ kind: 'hold', slot: 'receipts', roomId, bytes: content });
  }

  #endTop(top: string): void {
    if (top === 'rooms') this.#endRooms();
    else if (this.#written.has(top)) this.#text(']');
  }

  #endRooms(): void {
    this.#begin('rooms');
    const others = this.#roomCount;
    this.#emit({
      kind: 'release',
      slot: 'invites',
      toPieces: (held, index) => this.#invite(held, others + index > 0),
    });
    this.#text(']');
  }

  #invite({ roomId, bytes }: { roomId: RoomId; bytes: Buffer }, isFollowing: boolean): Piece[] {
    const { userId, nowMs, roomToken } = this.#context;
    const inviteState = eventsOf(parseEvent<InvitedRoom['invite_state']>(bytes));
    const notification = this.#context.inviteOf(roomId);
    const { inviter, invite } = toLegacyInvite({ roomId, userId, inviteState, notification, nowMs });
    const token = this.#nextBatch ?? roomToken(roomId, null, 'after');
    // Differs: invited rooms have empty messages, state and account data. An old Python client stops at one without.
    const messages = { chunk: [], start: token, end: token };
    const room = {
      room_id: roomId,
      membership: 'invite',
      inviter,
      invite,
      messages,
      state: [],
      account_data: [],
    };
    const text = JSON.stringify(room).slice(0, -1);
    return [
      textPiece(`${isFollowing ? ',' : ''}${text}`),
      { kind: 'visibility', roomId, toText: toVisibilityMember },
      textPiece('}'),
    ];
  }

  #end(): void {
    if (this.#nextBatch === undefined) throw new Error('the answer has no next_batch');
    if (!this.#written.has('rooms')) this.#endRooms();
    for (const name of ['presence', 'account_data'])
      if (!this.#written.has(name)) this.#text(`${this.#key(name)}[]`);
    this.#text(`${this.#key('receipts')}[`);
    this.#emit({
      kind: 'release',
      slot: 'receipts',
      toPieces: ({ roomId, bytes }, index) => {
        const head = `{"room_id":${JSON.stringify(roomId)},"type":"m.receipt","content":`;
        return [textPiece(index === 0 ? head : `,${head}`), { kind: 'bytes', bytes }, textPiece('}')];
      },
    });
    this.#text(`]${this.#key('end')}${JSON.stringify(this.#nextBatch)}}`);
    this.#emit({ kind: 'understood' });
  }

  /** Writes an element of one of the account's own arrays. */
  #item(name: string, text: string): void {
    const isFirst = !this.#written.has(name);
    this.#begin(name);
    this.#text(isFirst ? text : `,${text}`);
  }

  #begin(name: string): void {
    if (!this.#written.has(name)) this.#text(`${this.#key(name)}[`);
  }

  #key(name: string): string {
    this.#written.add(name);
    const separator = this.#separator;
    this.#separator = ',';
    return `${separator}${JSON.stringify(name)}:`;
  }

  #text(text: string): void {
    this.#emit(textPiece(text));
  }
}

function visitTop(top: string | number | undefined): Step {
  if (top === 'next_batch') return 'take';
  return top === 'rooms' || top === 'presence' || top === 'account_data' ? 'enter' : 'skip';
}

const visitEvents = (key: string | number | undefined): Step => (key === 'events' ? 'enter' : 'skip');

function visitRoom(section: string | number | undefined, key: string | number | undefined): Step {
  if (section === 'invite') return key === 'invite_state' ? 'take' : 'skip';
  if (key === 'ephemeral') return section === 'join' ? 'enter' : 'skip';
  return key === 'timeline' || key === 'state' || key === 'account_data' ? 'enter' : 'skip';
}
