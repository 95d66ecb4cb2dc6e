import type { EphemeralEvent } from '../matrix/client-event.ts';
import type { RoomId, SyncToken } from '../matrix/identifiers.ts';
import { eventsOf, type InvitedRoom } from '../matrix/sync.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { JsonReaderError, type JsonPath } from '../stream/json-reader.ts';
import { PathReader, type PathHandler } from '../stream/path-reader.ts';
import { AccountDataBytes } from './account-data-bytes.ts';
import type { AnswerOutput, HeldRecord } from './answer-output.ts';
import { InitialSyncRoom, type InitialSyncContext } from './initial-sync-room.ts';
import { toLegacyInvite } from './invite.ts';
import { isOffline, toLegacyPresence } from './presence.ts';
import { parseEvent, toVisibilityMember, type StreamTranslation } from './translated-sync.ts';

/**
 * An initial `/sync`, value by value → the legacy answer.
 *
 * No order of keys is assumed, any key may be missing or null. Account data, presence and rooms are written as they
 * come; invited rooms wait until all others are written, receipts until the rooms are, `end` until everything is.
 * Differs: invited-rooms-last, full-chunks, no-aliases-in-the-state, raw-invites-are-legacy, chunks-by-arrival
 *
 * Left out: knocks, rooms that the user was banned from, typing, push rules, offline presence, counts and summaries.
 *
 * @see docs/reference/synapse-legacy.md#initial-sync
 * @see docs/decisions/initial-sync.md
 */
export class InitialSyncTranslation implements StreamTranslation {
  readonly visitor: PathReader;
  readonly #context: InitialSyncContext;
  readonly #out: AnswerOutput;
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

  constructor(context: InitialSyncContext, out: AnswerOutput) {
    this.#context = context;
    this.#out = out;
    this.visitor = new PathReader({ ...this.#accountPaths(), ...this.#roomPaths() });
    out.text('{');
  }

  /** Whether the whole answer was given. */
  get isComplete(): boolean {
    return this.#written.has('end');
  }

  #accountPaths(): Record<string, PathHandler> {
    const endList = ([top]: JsonPath): void => this.#endList(String(top));
    return {
      '': { leave: () => this.#end() },
      next_batch: { take: (bytes) => (this.#nextBatch = parseEvent<SyncToken>(bytes)) },
      presence: { leave: endList },
      'presence/events/*': { take: (bytes) => this.#presence(parseEvent<EphemeralEvent>(bytes)) },
      account_data: { leave: endList },
      'account_data/events/*': { members: (bytes, members) => this.#accountData(bytes, members) },
      rooms: { leave: () => this.#endRooms() },
      'rooms/invite/*': { leave: ([, , roomId]) => this.#endInvite(roomId as RoomId) },
      'rooms/invite/*/invite_state': { take: (bytes) => (this.#inviteState = Buffer.from(bytes)) },
    };
  }

  #roomPaths(): Record<string, PathHandler> {
    const room = this.#context.archived ? 'rooms/join|leave/*' : 'rooms/join/*';
    const section = `${room}/timeline|state|account_data`;
    return {
      [room]: { leave: (path) => this.#endRoom(path) },
      [section]: { leave: (path) => this.#roomOf(path).leave(String(path[3])) },
      [`${section}/events/*`]: {
        members: (bytes, members, path) => this.#roomOf(path).takeEvent(String(path[3]), bytes, members),
      },
      [`${room}/timeline/limited`]: { take: (bytes, path) => this.#roomOf(path).takeLimited(bytes) },
      [`${room}/timeline/prev_batch`]: { take: (bytes, path) => this.#roomOf(path).takePrevBatch(bytes) },
      'rooms/join/*/ephemeral/events/*': { leave: ([, , roomId]) => this.#endEphemeral(roomId as RoomId) },
      'rooms/join/*/ephemeral/events/*/type': {
        take: (bytes) => (this.#ephemeral.type = parseEvent<string>(bytes)),
      },
      'rooms/join/*/ephemeral/events/*/content': {
        take: (bytes, [, , roomId]) => this.#receiptContent(roomId as RoomId, bytes),
      },
    };
  }

  #roomOf(path: JsonPath): InitialSyncRoom {
    this.#room ??= new InitialSyncRoom(
      path[2] as RoomId,
      path[1] as 'join' | 'leave',
      this.#context,
      { nextBatch: () => this.#nextBatch, separatorOfRoom: () => this.#nextRoom() },
      this.#out,
    );
    return this.#room;
  }

  #endInvite(roomId: RoomId): void {
    this.#out.hold('invites', roomId, this.#inviteState ?? NO_INVITE_STATE);
    this.#inviteState = undefined;
  }

  #endRoom(path: JsonPath): void {
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
    this.#accountDataBytes.write(this.#out);
  }

  /**
   * Takes a part of an ephemeral event. A large room's receipts may have megabytes: they are held as they are, and
   * copied only where they must be.
   */
  #receiptContent(roomId: RoomId, bytes: Buffer): void {
    const { type } = this.#ephemeral;
    if (type === undefined) this.#ephemeral.content = Buffer.from(bytes);
    else this.#holdReceipt(roomId, type, bytes);
  }

  #endEphemeral(roomId: RoomId): void {
    const { type, content } = this.#ephemeral;
    this.#ephemeral = {};
    if (type !== undefined && content !== undefined) this.#holdReceipt(roomId, type, content);
  }

  #holdReceipt(roomId: RoomId, type: string, content: Buffer): void {
    if (type === 'm.receipt') this.#out.hold('receipts', roomId, content);
  }

  #endList(name: string): void {
    if (this.#written.has(name)) this.#out.text(']');
  }

  #endRooms(): void {
    this.#begin('rooms');
    const others = this.#roomCount;
    this.#out.release('invites', (held, index, out) => this.#writeInvite(held, others + index > 0, out));
    this.#out.text(']');
  }

  #writeInvite({ roomId, bytes }: HeldRecord, isFollowing: boolean, out: AnswerOutput): void {
    const { userId, nowMs, roomToken } = this.#context;
    const inviteState = eventsOf(parseEvent<InvitedRoom['invite_state']>(bytes));
    const notification = this.#context.inviteOf(roomId);
    const { inviter, invite } = toLegacyInvite({ roomId, userId, inviteState, notification, nowMs });
    const token = this.#nextBatch ?? roomToken(roomId, null, 'after');
    // Differs: invited-rooms-have-lists
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
    out.text(`${isFollowing ? ',' : ''}${JSON.stringify(room).slice(0, -1)}`);
    out.visibility(roomId, toVisibilityMember);
    out.text('}');
  }

  #end(): void {
    if (this.#nextBatch === undefined) throw new Error('the answer has no next_batch');
    if (!this.#written.has('rooms')) this.#endRooms();
    for (const name of ['presence', 'account_data'])
      if (!this.#written.has(name)) this.#out.text(`${this.#key(name)}[]`);
    this.#out.text(`${this.#key('receipts')}[`);
    this.#out.release('receipts', ({ roomId, bytes }, index, out) => {
      const head = `{"room_id":${JSON.stringify(roomId)},"type":"m.receipt","content":`;
      out.text(index === 0 ? head : `,${head}`);
      out.record(bytes);
      out.text('}');
    });
    this.#out.text(`]${this.#key('end')}${JSON.stringify(this.#nextBatch)}}`);
    this.#out.understood();
  }

  /** Writes an element of one of the account's own arrays. */
  #item(name: string, text: string): void {
    const isFirst = !this.#written.has(name);
    this.#begin(name);
    this.#out.text(isFirst ? text : `,${text}`);
  }

  #begin(name: string): void {
    if (!this.#written.has(name)) this.#out.text(`${this.#key(name)}[`);
  }

  #key(name: string): string {
    this.#written.add(name);
    const separator = this.#separator;
    this.#separator = ',';
    return `${separator}${JSON.stringify(name)}:`;
  }
}

const NO_INVITE_STATE = Buffer.from('null');
