import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';
import { ByteSink } from '../stream/byte-sink.ts';
import { ARRAY_END, ARRAY_START, COMMA, OBJECT_START } from '../stream/json-bytes.ts';
import { skipSpace, type JsonMembers } from '../stream/json-members.ts';
import { JsonReaderError } from '../stream/json-reader.ts';
import { setOf } from './known-keys.ts';
import { LegacyLevel, UNSIGNED } from './legacy-level.ts';
import type { WrittenEvent } from './written-event.ts';

export interface LegacyEventOptions {
  /** Whether events are written in the federation form: nothing is copied, nothing computed. */
  isRaw?: boolean;
  /** The keys of `unsigned` that Synapse's own answer does not have. */
  withoutUnsigned?: readonly ('membership' | 'transaction_id')[];
}

/**
 * The events of one room, as the homeserver wrote them → their legacy form, as bytes: with `room_id`, `user_id`, `age`,
 * and what old clients look for on top. One of these serves any number of events, one after the other.
 *
 * Only the few members that decide something are read, only those that are added are written; all others are copied, so
 * that no number is spelled anew and nothing is as deep or as large as a parser would mind. The same comes out for an
 * event that is in this format already. `age` is counted up to `nowMs` where the homeserver sends none; of a key that is
 * repeated the last one counts; `unsigned.m.relations` is left out, as no legacy endpoint ever had it.
 *
 * The redaction in a redacted event has the legacy form too, on top and in `unsigned`; one that is inside that one is
 * copied. Homeservers nest no deeper, and each level more would double the event.
 *
 * Differs: power-levels-have-users
 *
 * All methods throw a `JsonReaderError` where an event cannot be read: for the client that is a 502. Something of it may
 * have been written then.
 *
 * @see docs/reference/synapse-legacy.md#the-legacy-event
 */
export class LegacyEventBytes {
  readonly roomId: RoomId;
  readonly #level: LegacyLevel;

  constructor(roomId: RoomId, nowMs: Milliseconds, options: LegacyEventOptions = {}) {
    this.roomId = roomId;
    const { isRaw = false, withoutUnsigned = [] } = options;
    const without = setOf(UNSIGNED.relations, ...withoutUnsigned.map((name) => UNSIGNED[name]));
    const room = { roomId: Buffer.from(JSON.stringify(roomId)), nowMs, isRaw };
    // The redaction inside what it redacted never says what the reader's membership was.
    const inner = (): LegacyLevel => new LegacyLevel(room, without | setOf(UNSIGNED.membership), undefined);
    this.#level = new LegacyLevel(room, without, inner);
  }

  /** Writes the event whose members these are. */
  write(bytes: Buffer, members: JsonMembers, sink: ByteSink): void {
    this.#level.write(bytes, members, sink);
  }

  /** Writes the event that begins at `start`; returns where it ends. */
  writeAt(bytes: Buffer, start: number, sink: ByteSink): number {
    if (bytes[start] !== OBJECT_START) throw new JsonReaderError('An event is no object');
    return this.#level.writeAt(bytes, start, sink);
  }

  /** An event's bytes → its legacy form. */
  toLegacy(event: Buffer): Buffer {
    const sink = new ByteSink(2 * event.length + FEW_BYTES);
    const end = this.writeAt(event, skipSpace(event, 0), sink);
    if (skipSpace(event, end) < event.length) throw new JsonReaderError('Something follows an event');
    return sink.drain();
  }

  /** A page's events → a JSON list of their legacy forms. */
  toList(events: readonly WrittenEvent[]): Buffer {
    const sink = new ByteSink(FEW_BYTES);
    sink.byte(ARRAY_START);
    for (const [i, event] of events.entries()) {
      if (i > 0) sink.byte(COMMA);
      this.writeEvent(event, sink);
    }
    sink.byte(ARRAY_END);
    return sink.drain();
  }

  /** Writes an event of a page. */
  writeEvent(event: WrittenEvent, sink: ByteSink): void {
    if (!this.#level.writePlain(event, sink)) this.#level.writeAt(event.bytes, event.start, sink);
  }
}

/** The room for what is added to an event. */
const FEW_BYTES = 1024;
