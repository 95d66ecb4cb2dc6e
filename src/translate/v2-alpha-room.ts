import { createHash } from 'node:crypto';
import type { EphemeralEvent } from '../matrix/client-event.ts';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import { ByteSink } from '../stream/byte-sink.ts';
import { COLON, COMMA, OBJECT_END, OBJECT_START } from '../stream/json-bytes.ts';
import {
  textPiece,
  toPublishedMember,
  type Emit,
  type HeldRecord,
  type HeldSlot,
  type Piece,
} from './initial-sync-piece.ts';
import { SplicedObject } from './spliced-object.ts';
import type { V2AlphaDraft } from './v2-alpha-draft.ts';

export interface V2AlphaContext {
  draft: V2AlphaDraft;
  sink: ByteSink;
  /** A token for the place before an event; without one, for the room's newest place. */
  roomToken(roomId: RoomId, eventId: EventId | null, side: 'before' | 'after'): string;
  /** Is called for each event of a room's timeline. */
  onEvent?(eventId: EventId, roomId: RoomId): void;
  /** Is called for each presence event, in its legacy form. */
  onPresence?(event: EphemeralEvent): void;
}

/** Ids are handed to the spool in blocks of so many bytes, as a room may have more of them than memory should hold. */
const ID_BLOCK = 4 * 1024;
/** Most rooms of an account have few ids to tell, and there may be thousands of rooms. */
const FIRST_BYTES = 512;

/**
 * One joined or left room of a `/sync`, an event at a time → its `event_map` and the lists of ids that point into it.
 *
 * The map is one object, so its entries are written as they come, and everything else of the room when it ends. An event
 * that is in state and timeline stands once.
 * Differs: `prev_batch` is always there. A client pages back from it.
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export class V2AlphaRoom {
  readonly #roomId: RoomId;
  readonly #context: V2AlphaContext;
  readonly #emit: Emit;
  readonly #hasEphemeral: boolean;
  readonly #timeline: IdList;
  readonly #state: IdList;
  /** The ids that the other list may have too, as JSON text. */
  readonly #inMap = new Set<string>();
  #mapSeparator = '';
  #isTimelineRead = false;
  readonly #held = new Set<HeldSlot>();
  #firstId: EventId | undefined;
  #isLimited = false;
  #prevBatch: string | undefined;

  constructor(roomId: RoomId, section: 'join' | 'leave', context: V2AlphaContext, emit: Emit) {
    this.#roomId = roomId;
    this.#context = context;
    this.#emit = emit;
    this.#hasEphemeral = section === 'join';
    this.#timeline = new IdList('timeline_ids', roomId);
    this.#state = new IdList('state_ids', roomId);
    emit(textPiece(context.draft.roomStart(JSON.stringify(roomId))));
    emit({ kind: 'understood' });
  }

  /** An element of the room's `timeline`, `state`, `ephemeral` or `account_data`, valid during the call. */
  takeEvent(section: string, event: SplicedObject): void {
    if (section === 'timeline') return this.#timelineEvent(event);
    if (section === 'state') return void this.#roomEvent(event, this.#state);
    const slot = section as HeldSlot;
    this.#held.add(slot);
    this.#emit({ kind: 'hold', slot, roomId: this.#roomId, bytes: event.bytes });
  }

  takeLimited(bytes: Buffer): void {
    this.#isLimited = bytes.toString() === 'true';
  }

  takePrevBatch(bytes: Buffer): void {
    const token: unknown = JSON.parse(bytes.toString());
    if (typeof token === 'string') this.#prevBatch = token;
  }

  /** Is called where one of the room's keys has ended. */
  leave(section: string): void {
    if (section === 'timeline') this.#isTimelineRead = true;
  }

  end(): void {
    const { draft } = this.#context;
    this.#text(`}${draft.timelineStart}`);
    this.#emitAll(this.#timeline.written());
    this.#text(draft.timelineEnd({ limited: this.#isLimited, prevBatch: this.#prevBatchOrOurs() }));
    this.#text(draft.state.start);
    this.#emitAll(this.#state.written());
    this.#text(draft.state.end);
    if (this.#hasEphemeral) this.#writeEphemeral();
    if (draft.name === 'A') this.#endOfDraftA();
    else this.#privateUserData();
    this.#text('}');
  }

  #writeEphemeral(): void {
    const { ephemeral } = this.#context.draft;
    const head = `{"room_id":${JSON.stringify(this.#roomId)}`;
    this.#text(ephemeral.start);
    this.#release('ephemeral', ({ bytes }, index, sink) => {
      sink.text(index === 0 ? head : `,${head}`);
      new SplicedObject(bytes).writeWithout(['room_id'], ',', sink);
      return [textPiece('}')];
    });
    this.#text(ephemeral.end);
  }

  /** Writes what the user noted about the room: its tags, at that time. */
  #privateUserData(): void {
    if (!this.#held.has('account_data')) return;
    this.#text(',"private_user_data":{"events":[');
    this.#release('account_data', ({ bytes }, index) => [
      textPiece(index === 0 ? '' : ','),
      { kind: 'bytes', bytes },
    ]);
    this.#text(']}');
  }

  #endOfDraftA(): void {
    if (this.#held.has('account_data')) this.#emit({ kind: 'drop', slot: 'account_data' });
    if (!this.#hasEphemeral) this.#text(',"ephemeral":[]');
    this.#emit({ kind: 'visibility', roomId: this.#roomId, toText: toPublishedMember });
  }

  #timelineEvent(event: SplicedObject): void {
    const id = JSON.parse(this.#roomEvent(event, this.#timeline)) as EventId;
    this.#firstId ??= id;
    this.#context.onEvent?.(id, this.#roomId);
  }

  /** Puts the event into the map, unless it is there, and its id into the list. */
  #roomEvent(event: SplicedObject, list: IdList): string {
    const idText = idTextOf(event, this.#roomId);
    if (!this.#inMap.has(idText)) this.#writeEntry(idText, event);
    // Most state follows the timeline, and there is a lot of it: it needs not be remembered.
    if (!this.#isTimelineRead) this.#inMap.add(idText);
    const full = list.add(idText);
    if (full !== undefined) this.#emit(full);
    return idText;
  }

  #writeEntry(idText: string, event: SplicedObject): void {
    const { sink } = this.#context;
    if (this.#mapSeparator !== '') sink.byte(COMMA);
    this.#mapSeparator = ',';
    sink.text(idText);
    sink.byte(COLON);
    sink.byte(OBJECT_START);
    event.writeWithout(NOT_IN_MAP, '', sink);
    sink.byte(OBJECT_END);
  }

  /** A client pages back from it, so it must be there. */
  #prevBatchOrOurs(): string {
    return this.#prevBatch ?? this.#context.roomToken(this.#roomId, this.#firstId ?? null, 'before');
  }

  #release(slot: HeldSlot, toPieces: (held: HeldRecord, index: number, sink: ByteSink) => Piece[]): void {
    if (this.#held.has(slot)) this.#emit({ kind: 'release', slot, toPieces });
  }

  #text(text: string): void {
    this.#emit(textPiece(text));
  }

  #emitAll(pieces: readonly Piece[]): void {
    for (const piece of pieces) this.#emit(piece);
  }
}

/** An event → its id as JSON text. One without an id gets a synthetic one, the same every time, as it must have a key. */
function idTextOf(event: SplicedObject, roomId: RoomId): string {
  const known = event.stringText('event_id');
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(JSON.stringify(roomId)).update(event.bytes);
  return `"$${hash.digest('base64url')}"`;
}

/** A list of ids as JSON text, in the order in which they come; what is too much for memory waits in the spool. */
class IdList {
  readonly #slot: HeldSlot;
  readonly #roomId: RoomId;
  readonly #block = new ByteSink(FIRST_BYTES);
  #isEmpty = true;

  constructor(slot: 'state_ids' | 'timeline_ids', roomId: RoomId) {
    this.#slot = slot;
    this.#roomId = roomId;
  }

  /** Adds an id; returns a piece to emit, where it is time for one. */
  add(idText: string): Piece | undefined {
    if (!this.#isEmpty) this.#block.byte(COMMA);
    this.#isEmpty = false;
    this.#block.text(idText);
    if (this.#block.length < ID_BLOCK) return undefined;
    return { kind: 'hold', slot: this.#slot, roomId: this.#roomId, bytes: Buffer.from(this.#block.drain()) };
  }

  /** Returns the pieces that write the list. */
  written(): Piece[] {
    const rest = Buffer.from(this.#block.drain());
    return [
      { kind: 'release', slot: this.#slot, toPieces: ({ bytes }) => [{ kind: 'bytes', bytes }] },
      { kind: 'bytes', bytes: rest },
    ];
  }
}

/** These members are not written in an entry: the id is its key, and the room's id is around it. */
const NOT_IN_MAP = ['event_id', 'room_id'];
