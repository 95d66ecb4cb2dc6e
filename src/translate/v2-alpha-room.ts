import type { EventId, RoomId } from '../matrix/identifiers.ts';
import { COMMA } from '../stream/json-bytes.ts';
import type { AnswerOutput, HeldSlot, WriteHeld } from './answer-output.ts';
import { SplicedObject } from './spliced-object.ts';
import { EventMap, idTextOf } from './event-map.ts';
import { IdList } from './id-list.ts';
import { toPublishedMember, type TranslationContext } from './translated-sync.ts';
import type { V2AlphaDraft } from './v2-alpha-draft.ts';

export interface V2AlphaContext extends TranslationContext {
  draft: V2AlphaDraft;
}

/**
 * One joined or left room of a `/sync`, an event at a time → its `event_map` and the lists of ids that point into it.
 *
 * The map is one object, so its entries are written as they come, and everything else of the room when it ends. An event
 * that is in state and timeline stands once.
 * Differs: draft-rooms-have-prev-batch
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export class V2AlphaRoom {
  readonly #roomId: RoomId;
  readonly #context: V2AlphaContext;
  readonly #out: AnswerOutput;
  readonly #hasEphemeral: boolean;
  readonly #timeline: IdList;
  readonly #state: IdList;
  readonly #map: EventMap;
  readonly #held = new Set<HeldSlot>();
  #firstId: EventId | undefined;
  #isLimited = false;
  #prevBatch: string | undefined;

  constructor(roomId: RoomId, section: 'join' | 'leave', context: V2AlphaContext, out: AnswerOutput) {
    this.#roomId = roomId;
    this.#context = context;
    this.#out = out;
    this.#map = new EventMap(out);
    this.#hasEphemeral = section === 'join';
    this.#timeline = new IdList('timeline_ids', roomId, out);
    this.#state = new IdList('state_ids', roomId, out);
    out.text(context.draft.roomStart(JSON.stringify(roomId)));
    out.understood();
  }

  /** Takes an element of the room's `timeline`, `state`, `ephemeral` or `account_data`, valid during the call. */
  takeEvent(section: string, event: SplicedObject): void {
    if (section === 'timeline') return this.#timelineEvent(event);
    if (section === 'state') return void this.#roomEvent(event, this.#state);
    const slot = section as HeldSlot;
    this.#held.add(slot);
    this.#out.hold(slot, this.#roomId, event.bytes);
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
    if (section === 'timeline') this.#map.endTimeline();
  }

  end(): void {
    const { draft } = this.#context;
    this.#text(`}${draft.timelineStart}`);
    this.#timeline.write();
    this.#text(draft.timelineEnd({ limited: this.#isLimited, prevBatch: this.#prevBatchOrOurs() }));
    this.#text(draft.state.start);
    this.#state.write();
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
    this.#release('ephemeral', ({ bytes }, index, out) => {
      out.text(index === 0 ? head : `,${head}`);
      new SplicedObject(bytes).writeWithout(['room_id'], ',', out);
      out.text('}');
    });
    this.#text(ephemeral.end);
  }

  /** Writes what the user noted about the room: its tags, at that time. */
  #privateUserData(): void {
    if (!this.#held.has('account_data')) return;
    this.#text(',"private_user_data":{"events":[');
    this.#release('account_data', ({ bytes }, index, out) => {
      if (index > 0) out.byte(COMMA);
      out.record(bytes);
    });
    this.#text(']}');
  }

  #endOfDraftA(): void {
    if (this.#held.has('account_data')) this.#out.drop('account_data');
    if (!this.#hasEphemeral) this.#text(',"ephemeral":[]');
    this.#out.visibility(this.#roomId, toPublishedMember);
  }

  #timelineEvent(event: SplicedObject): void {
    const id = JSON.parse(this.#roomEvent(event, this.#timeline)) as EventId;
    this.#firstId ??= id;
    this.#context.onEvent?.(id, this.#roomId);
  }

  /** Puts the event into the map, unless it is there, and its id into the list. */
  #roomEvent(event: SplicedObject, list: IdList): string {
    const idText = idTextOf(event, this.#roomId);
    this.#map.add(idText, event);
    list.add(idText);
    return idText;
  }

  /** A client pages back from it, so it must be there. */
  #prevBatchOrOurs(): string {
    return this.#prevBatch ?? this.#context.roomToken(this.#roomId, this.#firstId ?? null, 'before');
  }

  #release(slot: HeldSlot, write: WriteHeld): void {
    if (this.#held.has(slot)) this.#out.release(slot, write);
  }

  #text(text: string): void {
    this.#out.text(text);
  }
}
