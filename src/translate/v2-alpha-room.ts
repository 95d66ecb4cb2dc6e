import { createHash } from 'node:crypto';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import type { ByteSink } from '../stream/byte-sink.ts';
import { textPiece, type Emit, type HeldRecord, type HeldSlot, type Piece } from './initial-sync-piece.ts';
import { SplicedObject } from './spliced-object.ts';
import type { V2AlphaDraft } from './v2-alpha-draft.ts';

export interface V2AlphaContext {
  draft: V2AlphaDraft;
  sink: ByteSink;
  /** A token for the place before an event; without one, for the room's newest place. */
  roomToken(roomId: RoomId, eventId: EventId | null, side: 'before' | 'after'): string;
  /** Told of each event of a room's timeline. */
  onEvent?(eventId: EventId, roomId: RoomId): void;
}

/** Ids are handed to the spool in blocks of this many characters, as a room may have more than memory should hold. */
const ID_BLOCK = 16 * 1024;

/**
 * One joined or left room of a `/sync`, an event at a time → its `event_map` and the lists of ids that point into it.
 *
 * The map is one object, so its entries are written as they come, and everything else of the room when it ends. An event
 * that is in state and timeline stands once: where the homeserver sends the state first, it waits for the timeline.
 *
 * @see reference/native.md §8
 */
export class V2AlphaRoom {
  readonly #roomId: RoomId;
  readonly #context: V2AlphaContext;
  readonly #emit: Emit;
  readonly #hasEphemeral: boolean;
  readonly #timeline: IdList;
  readonly #state: IdList;
  /** The ids of the timeline, as JSON text. */
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
    if (section === 'timeline') {
      this.#emitAll(this.#timelineEvent(event));
    } else if (section === 'state' && this.#isTimelineRead) {
      this.#emitAll(this.#stateEvent(event, this.#context.sink));
    } else {
      const slot = section as HeldSlot;
      this.#held.add(slot);
      this.#emit({ kind: 'hold', slot, roomId: this.#roomId, bytes: event.bytes });
    }
  }

  takeLimited(bytes: Buffer): void {
    this.#isLimited = bytes.toString() === 'true';
  }

  takePrevBatch(bytes: Buffer): void {
    const token: unknown = JSON.parse(bytes.toString());
    if (typeof token === 'string') this.#prevBatch = token;
  }

  /** One of the room's keys has ended. */
  leave(section: string): void {
    if (section === 'timeline') this.#isTimelineRead = true;
  }

  end(): void {
    const { draft } = this.#context;
    this.#release('state', ({ bytes }, _index, sink) => this.#stateEvent(new SplicedObject(bytes), sink));
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

  /** What the user noted about the room: its tags, at that time. */
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
    this.#text(',"published":');
    const toText = (visibility: string): string => String(visibility === 'public');
    this.#emit({ kind: 'visibility', roomId: this.#roomId, toText });
  }

  #timelineEvent(event: SplicedObject): Piece[] {
    const idText = idTextOf(event, this.#roomId);
    const id = JSON.parse(idText) as EventId;
    this.#firstId ??= id;
    this.#context.onEvent?.(id, this.#roomId);
    if (!this.#inMap.has(idText)) {
      this.#inMap.add(idText);
      this.#writeEntry(idText, event, this.#context.sink);
    }
    return this.#timeline.add(idText);
  }

  #stateEvent(event: SplicedObject, sink: ByteSink): Piece[] {
    const idText = idTextOf(event, this.#roomId);
    if (!this.#inMap.has(idText)) this.#writeEntry(idText, event, sink);
    return this.#state.add(idText);
  }

  /** An entry has neither the id, which is its key, nor the room's. */
  #writeEntry(idText: string, event: SplicedObject, sink: ByteSink): void {
    sink.text(`${this.#mapSeparator}${idText}:{`);
    event.writeWithout(['event_id', 'room_id'], '', sink);
    sink.text('}');
    this.#mapSeparator = ',';
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

/** The event's id as JSON text. An event without one gets one that is the same every time, as it must have a key. */
function idTextOf(event: SplicedObject, roomId: RoomId): string {
  const known = event.stringText('event_id');
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(JSON.stringify(roomId)).update(event.bytes);
  return `"$${hash.digest('base64url')}"`;
}

/** Ids as JSON text, in the order in which they come; what is too much for memory waits in the spool. */
class IdList {
  readonly #slot: HeldSlot;
  readonly #roomId: RoomId;
  #block = '';
  #separator = '';

  constructor(slot: 'state_ids' | 'timeline_ids', roomId: RoomId) {
    this.#slot = slot;
    this.#roomId = roomId;
  }

  /** The pieces to emit for it, mostly none. */
  add(idText: string): Piece[] {
    this.#block += this.#separator + idText;
    this.#separator = ',';
    if (this.#block.length < ID_BLOCK) return [];
    const bytes = Buffer.from(this.#block);
    this.#block = '';
    return [{ kind: 'hold', slot: this.#slot, roomId: this.#roomId, bytes }];
  }

  /** The pieces that write the list: when their turn comes, all of it is known. */
  written(): Piece[] {
    return [
      { kind: 'release', slot: this.#slot, toPieces: ({ bytes }) => [{ kind: 'bytes', bytes }] },
      { kind: 'late', toPieces: () => [textPiece(this.#block)] },
    ];
  }
}
