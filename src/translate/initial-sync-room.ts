import type { EventId, MessagesToken, RoomId, SyncToken } from '../matrix/identifiers.ts';
import { ByteSink } from '../stream/byte-sink.ts';
import { COMMA } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';
import { JsonReaderError } from '../stream/json-reader.ts';
import { AccountDataBytes } from './account-data-bytes.ts';
import type { AnswerOutput, HeldSlot, WriteHeld } from './answer-output.ts';
import { LegacyEventBytes } from './legacy-event-bytes.ts';
import { OverriddenState } from './overridden-state.ts';
import { OwnMembership } from './own-membership.ts';
import { parseEvent, toVisibilityMember, type TranslationContext } from './translated-sync.ts';

/** The request that a legacy initial sync answers, and what its translation is given. */
export interface InitialSyncContext extends TranslationContext {
  /** Whether rooms that the user left are wanted. */
  archived: boolean;
  /** The federation form of events. */
  isRaw: boolean;
  /** So many of a timeline's events are shown, the newest; absent where the homeserver gives no more than it is asked for. */
  mostEvents?: number;
}

/** The facts about the account that a room's translation needs. */
export interface AccountSoFar {
  /** Undefined while the homeserver has not sent it: some send it last. */
  nextBatch(): SyncToken | undefined;
  /** Is called when a room is written, and returns the comma before it. */
  separatorOfRoom(): string;
}

type Section = 'messages' | 'state' | 'account_data';

/**
 * One joined or left room of an initial `/sync`, an event at a time → its legacy form.
 *
 * `state` is what held before the timeline, overridden by the timeline's own state events. Where the homeserver sends it
 * first, its events wait as they are until the timeline is known. A left room waits, in the spool but for a little, until it
 * is known that the user was not banned from it: those are never shown.
 *
 * @see docs/reference/synapse-legacy.md#initial-sync
 */
export class InitialSyncRoom {
  readonly #roomId: RoomId;
  readonly #membership: 'join' | 'leave';
  readonly #context: InitialSyncContext;
  readonly #account: AccountSoFar;
  readonly #out: AnswerOutput;
  /**
   * Holds what was written of a left room before it is known whether it is shown: less than a block, the rest is
   * held.
   */
  #waiting: ByteSink | undefined;
  #isDropped = false;
  readonly #own: OwnMembership;
  #ownInTimeline: string | undefined;
  readonly #written = new Set<Section>();
  readonly #held = new Set<HeldSlot>();
  #open: Section | undefined;
  #isFollowing = false;
  readonly #timelineState = new OverriddenState();
  readonly #timelineBytes: LegacyEventBytes;
  readonly #stateBytes: LegacyEventBytes;
  readonly #accountDataBytes = new AccountDataBytes();
  #first: EventId | undefined;
  #last: EventId | undefined;
  #isLimited = false;
  /** The newest of the timeline's events, where the homeserver gives more than it was asked for. */
  readonly #newest: { eventId: EventId | undefined; bytes: Buffer }[] = [];
  #isCut = false;
  #prevBatch: MessagesToken | undefined;

  constructor(
    roomId: RoomId,
    membership: 'join' | 'leave',
    context: InitialSyncContext,
    account: AccountSoFar,
    out: AnswerOutput,
  ) {
    const { userId, nowMs, isRaw } = context;
    this.#roomId = roomId;
    this.#membership = membership;
    this.#context = context;
    this.#account = account;
    this.#out = out;
    this.#own = new OwnMembership(userId);
    this.#timelineBytes = new LegacyEventBytes(roomId, nowMs, { isRaw, withoutUnsigned: ['transaction_id'] });
    // Synapse's own `state` arrays have no `unsigned.membership`.
    const withoutUnsigned = ['membership', 'transaction_id'] as const;
    this.#stateBytes = new LegacyEventBytes(roomId, nowMs, { isRaw, withoutUnsigned });
    if (membership === 'leave') this.#waiting = new ByteSink(BLOCK_BYTES);
    else this.#writeHead();
  }

  /** Takes an element of one of the room's arrays, among other bytes. */
  takeEvent(section: string, bytes: Buffer, members: JsonMembers): void {
    if (this.#isDropped) return;
    if (section === 'timeline') this.#timelineEvent(bytes, members);
    else if (section === 'state') this.#stateEvent(bytes, members);
    else this.#accountData(bytes, members);
    this.#holdBlock();
  }

  takeLimited(bytes: Buffer): void {
    this.#isLimited = bytes.toString() === 'true';
  }

  takePrevBatch(bytes: Buffer): void {
    this.#prevBatch = parseEvent<MessagesToken | null>(bytes) ?? undefined;
  }

  /** Is called where one of the room's keys has ended. */
  leave(section: string): void {
    if (this.#isDropped) return;
    if (section === 'timeline') {
      this.#endMessages();
      if (this.#ownInTimeline !== undefined) this.#decide();
    } else if (this.#open !== undefined) {
      this.#close(']');
    }
  }

  end(): void {
    if (!this.#isDropped && !this.#written.has('messages')) this.#endMessages();
    this.#decide();
    if (this.#isDropped) return;
    if (!this.#written.has('state')) this.#writeHeldState();
    if (!this.#written.has('account_data')) this.#text(',"account_data":[]');
    this.#out.visibility(this.#roomId, toVisibilityMember);
    this.#text('}');
  }

  /** The sink where text and bytes go, in order. */
  get #sink(): ByteSink {
    return this.#waiting ?? this.#out;
  }

  #timelineEvent(bytes: Buffer, members: JsonMembers): void {
    const own = this.#own;
    own.read(bytes, members);
    this.#ownInTimeline = own.current;
    this.#first ??= own.eventId;
    this.#last = own.eventId ?? this.#last;
    this.#context.onEvent?.(own.eventId, this.#roomId);
    if (this.#timelineState.add(bytes, members)) this.#hold('timeline_state', bytes, members);
    const { mostEvents } = this.#context;
    if (mostEvents !== undefined) return this.#keepNewest(mostEvents, own.eventId, bytes, members);
    this.#begin('messages');
    this.#separate();
    this.#timelineBytes.write(bytes, members, this.#sink);
  }

  #keepNewest(most: number, eventId: EventId | undefined, bytes: Buffer, { start, end }: JsonMembers): void {
    this.#newest.push({ eventId, bytes: Buffer.from(bytes.subarray(start, end)) });
    if (this.#newest.length <= most) return;
    this.#newest.shift();
    this.#isCut = true;
  }

  #writeNewest(): void {
    for (const { bytes } of this.#newest) {
      this.#separate();
      this.#timelineBytes.writeAt(bytes, 0, this.#sink);
    }
    if (this.#isCut) this.#first = this.#newest[0]?.eventId;
  }

  #stateEvent(bytes: Buffer, members: JsonMembers): void {
    // State events can be written as they come where the room is shown, and its timeline is known.
    if (this.#waiting === undefined && this.#written.has('messages')) {
      this.#begin('state');
      if (this.#timelineState.has(bytes, members)) return;
      this.#separate();
      this.#stateBytes.write(bytes, members, this.#sink);
      return;
    }
    if (this.#waiting !== undefined && this.#ownInTimeline === undefined) this.#own.read(bytes, members);
    this.#hold('state', bytes, members);
  }

  #accountData(bytes: Buffer, members: JsonMembers): void {
    const type = this.#accountDataBytes.typeOf(bytes, members);
    if (type === undefined) throw new JsonReaderError('Account data has no type');
    this.#begin('account_data');
    this.#separate();
    this.#accountDataBytes.write(this.#sink);
  }

  #endMessages(): void {
    this.#begin('messages');
    this.#writeNewest();
    this.#close(`],"start":${JSON.stringify(this.#startToken())},"end":${JSON.stringify(this.#endToken())}}`);
  }

  /**
   * Returns the token that a client pages back from: `prev_batch` of an unlimited timeline is *now*, and would give
   * the chunk again.
   *
   * Differs: own-start-tokens
   */
  #startToken(): string {
    const { roomToken } = this.#context;
    if (this.#first === undefined)
      return this.#isCut ? roomToken(this.#roomId, this.#last ?? null, 'after') : this.#endToken();
    if (this.#isLimited && !this.#isCut && this.#prevBatch !== undefined) return this.#prevBatch;
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
    let isFollowing = this.#isFollowing;
    this.#release('state', ({ bytes }, _index, out) => {
      members.find(bytes, 0);
      if (this.#timelineState.has(bytes, members)) return;
      if (isFollowing) out.byte(COMMA);
      isFollowing = true;
      this.#stateBytes.write(bytes, members, out);
    });
    this.#close(']');
  }

  /** Writes the timeline's own state, the latest event of each type and state key. */
  #writeTimelineState(): void {
    const members = new JsonMembers();
    let isFollowing = false;
    this.#release('timeline_state', ({ bytes }, index, out) => {
      members.find(bytes, 0);
      if (!this.#timelineState.isLatest(bytes, members, index)) return;
      if (isFollowing) out.byte(COMMA);
      isFollowing = true;
      this.#stateBytes.write(bytes, members, out);
    });
    this.#isFollowing = !this.#timelineState.isEmpty;
  }

  /** Writes what waits, or drops it, once it is known whether a left room is shown. */
  #decide(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    if (this.#own.current === 'ban') {
      this.#isDropped = true;
      for (const slot of this.#held) this.#out.drop(slot);
      return;
    }
    this.#writeHead();
    this.#release('left_room', ({ bytes }, _index, out) => out.record(bytes));
    this.#sink.bytes(waiting.drain());
  }

  /** Hands over what waits, block by block. */
  #holdBlock(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || waiting.length < BLOCK_BYTES) return;
    this.#held.add('left_room');
    this.#out.hold('left_room', this.#roomId, Buffer.from(waiting.drain()));
  }

  #hold(slot: HeldSlot, bytes: Buffer, { start, end }: JsonMembers): void {
    this.#held.add(slot);
    this.#out.hold(slot, this.#roomId, bytes.subarray(start, end));
  }

  #release(slot: HeldSlot, write: WriteHeld): void {
    if (this.#held.delete(slot)) this.#out.release(slot, write);
  }

  #writeHead(): void {
    const roomId = JSON.stringify(this.#roomId);
    this.#text(`${this.#account.separatorOfRoom()}{"room_id":${roomId},"membership":"${this.#membership}"`);
    this.#out.understood();
  }

  /** Opens a section, unless it is the one that is open. */
  #begin(section: Section): void {
    if (this.#open === section) return;
    this.#open = section;
    this.#written.add(section);
    this.#isFollowing = false;
    this.#text(section === 'messages' ? ',"messages":{"chunk":[' : `,"${section}":[`);
    if (section === 'state') this.#writeTimelineState();
  }

  #separate(): void {
    if (this.#isFollowing) this.#sink.byte(COMMA);
    this.#isFollowing = true;
  }

  #close(text: string): void {
    this.#text(text);
    this.#open = undefined;
  }

  #text(text: string): void {
    this.#sink.text(text);
  }
}

/** Waiting bytes are handed to the spool in blocks of this size. */
const BLOCK_BYTES = 16 * 1024;
