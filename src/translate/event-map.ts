import { createHash } from 'node:crypto';
import type { RoomId } from '../matrix/identifiers.ts';
import { COLON, COMMA, OBJECT_END, OBJECT_START } from '../stream/json-bytes.ts';
import type { AnswerOutput } from './answer-output.ts';
import type { SplicedObject } from './spliced-object.ts';

/** These members are not written in an entry: the id is its key, and the room's id is around it. */
const NOT_IN_MAP = ['event_id', 'room_id'];

/** The `event_map` of a room: its entries are written as they come, each event once. */
export class EventMap {
  readonly #out: AnswerOutput;
  /** The ids that the state may have too, as JSON text. */
  readonly #ids = new Set<string>();
  #isEmpty = true;
  #isTimelineRead = false;

  constructor(out: AnswerOutput) {
    this.#out = out;
  }

  /** Writes an event, unless it is there. */
  add(idText: string, event: SplicedObject): void {
    if (!this.#ids.has(idText)) this.#write(idText, event);
    // Most state follows the timeline, and there is a lot of it: it needs not be remembered.
    if (!this.#isTimelineRead) this.#ids.add(idText);
  }

  endTimeline(): void {
    this.#isTimelineRead = true;
  }

  #write(idText: string, event: SplicedObject): void {
    const out = this.#out;
    if (!this.#isEmpty) out.byte(COMMA);
    this.#isEmpty = false;
    out.text(idText);
    out.byte(COLON);
    out.byte(OBJECT_START);
    event.writeWithout(NOT_IN_MAP, '', out);
    out.byte(OBJECT_END);
  }
}

/** An event → its id as JSON text. One without an id gets a synthetic one, the same every time, as it must have a key. */
export function idTextOf(event: SplicedObject, roomId: RoomId): string {
  const known = event.stringText('event_id');
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(JSON.stringify(roomId)).update(event.bytes);
  return `"$${hash.digest('base64url')}"`;
}
