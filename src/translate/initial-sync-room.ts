import {
  isMembershipOf,
  membershipOf,
  type ClientEvent,
  type EphemeralEvent,
} from '../matrix/client-event.ts';
import type { EventId, MessagesToken, RoomId } from '../matrix/identifiers.ts';
import {
  parseEvent,
  textPiece,
  type AccountSoFar,
  type Emit,
  type HeldRecord,
  type InitialSyncContext,
  type Piece,
} from './initial-sync-piece.ts';
import type { ByteSink } from '../stream/byte-sink.ts';
import { COMMA } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';
import { toLegacyEvent } from './legacy-event.ts';
import { OverriddenState } from './overridden-state.ts';
import { LegacyEventBytes } from './legacy-event-bytes.ts';

type Section = 'messages' | 'state' | 'account_data';

/**
 * One joined or left room of an initial `/sync`, an event at a time → its legacy form.
 *
 * `state` is what held before the timeline, overridden by the timeline's own state events. Where the homeserver sends it
 * first, its events wait as they are until the timeline is known. A left room waits until it is known that the user was
 * not banned from it: those are never shown.
 *
 * @see reference/native.md §5
 */
export class InitialSyncRoom {
  readonly #roomId: RoomId;
  readonly #membership: 'join' | 'leave';
  readonly #context: InitialSyncContext;
  readonly #account: AccountSoFar;
  readonly #emitNow: Emit;
  /** Of a left room, until it is known whether it is shown. */
  #waiting: Piece[] | undefined;
  #isDropped = false;
  #ownMembership: string | undefined;
  readonly #written = new Set<Section>();
  #open: Section | undefined;
  #separator = '';
  #isStateHeld = false;
  readonly #timelineState = new OverriddenState();
  readonly #stateBytes: LegacyEventBytes;
  #first: EventId | undefined;
  #last: EventId | undefined;
  #isLimited = false;
  #prevBatch: MessagesToken | undefined;

  constructor(
    roomId: RoomId,
    membership: 'join' | 'leave',
    context: InitialSyncContext,
    account: AccountSoFar,
    emit: Emit,
  ) {
    this.#roomId = roomId;
    this.#membership = membership;
    this.#context = context;
    this.#account = account;
    this.#emitNow = emit;
    const { nowMs, isRaw } = context;
    // As in native's `state` arrays, which have no `unsigned.membership`.
    const withoutUnsigned = ['membership', 'transaction_id'] as const;
    this.#stateBytes = new LegacyEventBytes(roomId, nowMs, { isRaw, withoutUnsigned });
    if (membership === 'leave') this.#waiting = [];
    else this.#writeHead();
  }

  /** An element of one of the room's arrays. */
  takeEvent(section: string, bytes: Buffer): void {
    if (section === 'timeline') this.#timelineEvent(parseEvent<ClientEvent>(bytes));
    else if (section === 'state') this.#stateEvent(bytes);
    else this.#accountData(parseEvent<EphemeralEvent>(bytes));
  }

  /** The same of a state event among other bytes, whose members are known. */
  takeStateEvent(bytes: Buffer, members: JsonMembers): void {
    if (this.#isDropped) return;
    if (!this.#isStateWritten) {
      this.#stateEvent(bytes.subarray(members.start, members.end));
      return;
    }
    this.#begin('state');
    this.#writeStateEvent(bytes, members, this.#context.sink);
  }

  takeLimited(bytes: Buffer): void {
    this.#isLimited = bytes.toString() === 'true';
  }

  takePrevBatch(bytes: Buffer): void {
    this.#prevBatch = parseEvent<MessagesToken | null>(bytes) ?? undefined;
  }

  /** One of the room's keys has ended. */
  leave(section: string): void {
    if (section === 'timeline') {
      this.#endMessages();
      if (this.#ownMembership !== undefined) this.#decide();
    } else if (this.#open !== undefined) {
      this.#close(']');
    }
  }

  end(): void {
    if (!this.#written.has('messages')) this.#endMessages();
    this.#decide();
    if (!this.#written.has('state')) this.#writeHeldState();
    if (!this.#written.has('account_data')) this.#text(',"account_data":[]');
    this.#text(',"visibility":');
    this.#emit({ kind: 'visibility', roomId: this.#roomId });
    this.#text('}');
  }

  #timelineEvent(event: ClientEvent): void {
    if (isMembershipOf(this.#context.userId, event)) this.#ownMembership = membershipOf(event);
    this.#first ??= event.event_id;
    this.#last = event.event_id ?? this.#last;
    this.#context.onEvent?.(event.event_id, this.#roomId);
    if (event.state_key !== undefined) this.#timelineState.add(event, this.#toStateText(event));
    this.#begin('messages');
    this.#item(JSON.stringify(this.#toLegacy(event, ['transaction_id'])));
  }

  /** Whether state events can be written as they come: the room is shown, and its timeline is known. */
  get #isStateWritten(): boolean {
    return this.#waiting === undefined && this.#written.has('messages');
  }

  #writeStateEvent(bytes: Buffer, members: JsonMembers, sink: ByteSink): void {
    if (this.#timelineState.hasWritten(bytes, members)) return;
    if (this.#separator !== '') sink.byte(COMMA);
    this.#stateBytes.write(bytes, members, sink);
    this.#separator = ',';
  }

  #stateEvent(bytes: Buffer): void {
    if (this.#isStateWritten) {
      const event = parseEvent<ClientEvent>(bytes);
      this.#begin('state');
      if (!this.#timelineState.has(event)) this.#item(this.#toStateText(event));
      return;
    }
    if (this.#waiting !== undefined && this.#ownMembership === undefined) {
      const event = parseEvent<ClientEvent>(bytes);
      if (isMembershipOf(this.#context.userId, event)) this.#ownMembership = membershipOf(event);
    }
    this.#isStateHeld = true;
    this.#emitNow({ kind: 'hold', slot: 'state', roomId: this.#roomId, bytes });
  }

  #accountData({ type, content }: EphemeralEvent): void {
    this.#begin('account_data');
    this.#item(JSON.stringify({ type, content: content ?? {} }));
  }

  #endMessages(): void {
    this.#begin('messages');
    this.#close(`],"start":${JSON.stringify(this.#startToken())},"end":${JSON.stringify(this.#endToken())}}`);
  }

  /**
   * Differs: `messages.start` may be a token of ours. It pages back from the same place.
   *
   * Where to page back from: `prev_batch` of an unlimited timeline is *now*, and would give the chunk again.
   */
  #startToken(): string {
    const { roomToken } = this.#context;
    if (this.#first === undefined) return this.#endToken();
    if (this.#isLimited && this.#prevBatch !== undefined) return this.#prevBatch;
    return roomToken(this.#roomId, this.#first, 'before');
  }

  #endToken(): string {
    const { roomToken } = this.#context;
    const now = this.#membership === 'join' ? this.#account.nextBatch() : undefined;
    if (now !== undefined) return now;
    if (this.#last !== undefined) return roomToken(this.#roomId, this.#last, 'after');
    return this.#prevBatch ?? roomToken(this.#roomId, null, 'after');
  }

  #writeHeldState(): void {
    this.#begin('state');
    const members = new JsonMembers();
    const toPieces = ({ bytes }: HeldRecord, _index: number, sink: ByteSink): Piece[] => {
      if (!members.find(bytes, 0)) throw new Error('a state event is no object');
      this.#writeStateEvent(bytes, members, sink);
      return [];
    };
    if (this.#isStateHeld) this.#emit({ kind: 'release', slot: 'state', toPieces });
    this.#close(']');
  }

  /** Once it is known whether a left room is shown: writes what waits, or drops it. */
  #decide(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    if (this.#ownMembership === 'ban') {
      this.#isDropped = true;
      if (this.#isStateHeld) this.#emitNow({ kind: 'drop', slot: 'state' });
      return;
    }
    this.#writeHead();
    for (const piece of waiting) this.#emit(piece);
  }

  #writeHead(): void {
    const roomId = JSON.stringify(this.#roomId);
    this.#text(`${this.#account.separatorOfRoom()}{"room_id":${roomId},"membership":"${this.#membership}"`);
    this.#emit({ kind: 'understood' });
  }

  /** Opens a section, unless it is the one that is open. */
  #begin(section: Section): void {
    if (this.#open === section) return;
    this.#open = section;
    this.#written.add(section);
    this.#separator = '';
    this.#text(section === 'messages' ? ',"messages":{"chunk":[' : `,"${section}":[`);
    if (section === 'state') for (const text of this.#timelineState.texts()) this.#item(text);
  }

  #item(text: string): void {
    this.#text(this.#separator + text);
    this.#separator = ',';
  }

  #close(text: string): void {
    this.#text(text);
    this.#open = undefined;
  }

  #text(text: string): void {
    this.#emit(textPiece(text));
  }

  #emit(piece: Piece): void {
    if (this.#waiting !== undefined) this.#waiting.push(piece);
    else if (!this.#isDropped) this.#emitNow(piece);
  }

  /** As in native's `state` arrays, which have no `unsigned.membership`. */
  #toStateText(event: ClientEvent): string {
    return JSON.stringify(this.#toLegacy(event, ['membership', 'transaction_id']));
  }

  #toLegacy(event: ClientEvent, withoutUnsigned: ('membership' | 'transaction_id')[]) {
    const { nowMs, isRaw } = this.#context;
    return toLegacyEvent(event, this.#roomId, nowMs, { isRaw, withoutUnsigned });
  }
}
