// The answer of r0's `/sync` always had these sections; they are written into answers that leave out what is empty.

import { OBJECT_START } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { JsonReader, JsonReaderError, type JsonPath, type JsonStep } from '../stream/json-reader.ts';
import { stringIn } from './known-keys.ts';
import { missingUsers, type Insertion, POWER_LEVELS_TYPE } from './users-of-power-levels.ts';
import type { EventId, RoomId } from '../matrix/identifiers.ts';

/** A section is a value that is always there: an object with sections of its own, a map of them, or a constant. */
interface Section {
  sections?: Readonly<Record<string, Section>>;
  /** The section of each room, in a map of rooms. */
  each?: Section;
  /** The text that is written where the section is missing or null. */
  empty?: string;
}

/**
 * Builds the token from which `/messages` goes on in a room whose timeline names none: before its first event, or at
 * the newest.
 */
export type ToPrevBatch = (roomId: RoomId, firstEventId: EventId | null) => string;

const LIST: Section = { empty: '[]' };
const BATCH: Section = { sections: { events: LIST } };
const PREV_BATCH: Section = {};
const TIMELINE: Section = { sections: { events: LIST, limited: { empty: 'false' }, prev_batch: PREV_BATCH } };

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/sync.yaml (as of r0.6.1) */
const ANSWER: Section = {
  sections: {
    rooms: {
      sections: {
        join: {
          empty: '{}',
          each: {
            sections: {
              state: BATCH,
              timeline: TIMELINE,
              ephemeral: BATCH,
              account_data: BATCH,
              unread_notifications: { empty: '{}' },
            },
          },
        },
        invite: { empty: '{}', each: { sections: { invite_state: BATCH } } },
        leave: { empty: '{}', each: { sections: { state: BATCH, timeline: TIMELINE, account_data: BATCH } } },
      },
    },
    presence: BATCH,
    account_data: BATCH,
    to_device: BATCH,
    device_lists: { sections: { changed: LIST, left: LIST } },
  },
};

/** An object that is being read, with those of its members that have come. */
interface Opened {
  section: Section;
  seen: Set<string>;
}

/**
 * The bytes of an answer of `/sync` → the same, with every section that r0 promised: missing ones, and ones that are
 * null, are written as empty, and power levels have `users`. All other bytes are handed on as they came, in whatever pieces they
 * come; but an event is handed on when all of it is there. What turns out to be no answer of `/sync` is handed on unchanged
 * from there.
 *
 * `unread_notifications` has no counts where the homeserver says none: zeros would say that there is nothing unread.
 *
 * @see docs/reference/clients.md#more-clients-through-hindsync (matrix-client 0.3, matrix-nio 0.10, the lua script of 2019)
 */
export class SyncSections {
  readonly #toPrevBatch: ToPrevBatch;
  readonly #reader: JsonReader;
  readonly #opened: Opened[] = [];
  #chunk: Buffer = Buffer.alloc(0);
  #pieces: Buffer[] = [];
  /**
   * The part of the chunk that was handed on or left out ends here; this is beyond the chunk while a `null` goes on
   * in the next one.
   */
  #done = 0;
  /** The event that is being read begins here in the chunk; `#held` is what came of it in earlier chunks. */
  #eventAt: number | undefined;
  #held: Buffer[] = [];
  #released: Buffer[] = [];
  #heldBytes = 0;
  /** The next place in the chunk where the type of power levels stands. */
  #levelsAt: number | undefined;
  #isUnreadable = false;
  #nextBatch: string | undefined;
  #firstEventId: EventId | null = null;

  constructor(toPrevBatch: ToPrevBatch) {
    this.#toPrevBatch = toPrevBatch;
    this.#reader = new JsonReader({
      visit: (path) => this.#visit(path),
      take: (path, bytes) => this.#take(path, bytes),
      takeMembers: (path, bytes, members) => this.#takeEvent(path, bytes, members),
      leave: (path) => this.#leave(path),
    });
  }

  /** Reads the next bytes; returns what there is to send for them. */
  push(chunk: Buffer): Buffer[] {
    if (this.#isUnreadable) return [chunk];
    this.#chunk = chunk;
    this.#levelsAt = undefined;
    if (this.#heldBytes > 0) this.#eventAt = 0;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      if (!(error instanceof JsonReaderError)) throw error;
      this.#isUnreadable = true;
      this.#releaseHeld();
    }
    const end = this.#eventAt ?? chunk.length;
    this.#holdEvent();
    return this.#drain(end);
  }

  /** Returns what was held back, as no more comes. */
  end(): Buffer[] {
    this.#chunk = Buffer.alloc(0);
    this.#releaseHeld();
    return this.#drain(0);
  }

  /** Keeps what the chunk has of an event that goes on in the next one. Copied, as the chunk may be used again. */
  #holdEvent(): void {
    if (this.#eventAt === undefined) return;
    const piece = Buffer.from(this.#chunk.subarray(this.#eventAt));
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    this.#eventAt = undefined;
  }

  /** Hands on what was held, which is always the first that is handed on for a chunk. */
  #releaseHeld(): void {
    this.#released.push(...this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#eventAt = undefined;
  }

  /** Returns what is handed on for the chunk up to `end`. Only what something was written into is put together anew. */
  #drain(end: number): Buffer[] {
    const chunk = this.#chunk;
    const rest = chunk.subarray(Math.min(this.#done, end), end);
    this.#done = Math.max(0, this.#done - chunk.length);
    const filled = this.#pieces.length === 0 ? rest : Buffer.concat([...this.#pieces, rest]);
    this.#pieces = [];
    const all = [...this.#released, filled];
    this.#released = [];
    return all;
  }

  #visit(path: JsonPath): JsonStep {
    if (path.length === 0) return this.#open(ANSWER);
    const key = String(path.at(-1));
    if (path.length > this.#opened.length) return this.#visitEvent();
    const parent = this.#opened.at(-1);
    if (parent === undefined) return 'skip';
    parent.seen.add(key);
    const section = sectionOf(parent.section, key);
    if (section === undefined) return path.length === 1 && key === 'next_batch' ? 'take' : 'skip';
    if (path.length === PATH_TO_ROOM) this.#firstEventId = null;
    if (this.#chunk[this.#reader.at] === NULL_START) return this.#replaceNull(section, path);
    if (section === LIST && isEventsOfRoom(path)) return 'enter';
    return section.sections === undefined && section.each === undefined ? 'skip' : this.#open(section);
  }

  /** Visits one of a room's events. */
  #visitEvent(): JsonStep {
    this.#eventAt = this.#reader.at;
    return 'take members';
  }

  #takeEvent(path: JsonPath, bytes: Buffer, members: JsonMembers): void {
    if (path[3] === 'timeline' && path[5] === 0) this.#firstEventId = idOf(bytes, members);
    const insertion = this.#mayBeLevels(bytes, members) ? missingUsers(bytes, members) : undefined;
    if (this.#heldBytes === 0) {
      const offset = bytes === this.#chunk ? 0 : (this.#eventAt ?? 0);
      if (insertion !== undefined) this.#insert(insertion.text, insertion.at + offset);
      this.#eventAt = undefined;
      return;
    }
    const end = bytes.length - this.#heldBytes;
    if (insertion === undefined) this.#releaseHeld();
    else this.#replaceHeld(bytes, insertion, end);
    this.#eventAt = undefined;
  }

  /** Tells at little cost whether an event may be power levels: most are not. */
  #mayBeLevels(bytes: Buffer, { start, end }: JsonMembers): boolean {
    if (bytes !== this.#chunk) return bytes.includes(POWER_LEVELS_TYPE);
    if (this.#levelsAt === undefined || this.#levelsAt < start) {
      const at = bytes.indexOf(POWER_LEVELS_TYPE, start);
      this.#levelsAt = at === -1 ? bytes.length : at;
    }
    return this.#levelsAt < end;
  }

  /** Hands on an event of which earlier chunks had a part; the last of it ends in this chunk. */
  #replaceHeld(bytes: Buffer, { text, at }: Insertion, end: number): void {
    this.#pieces.push(bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at));
    this.#held = [];
    this.#heldBytes = 0;
    this.#done = end;
  }

  #open(section: Section): JsonStep {
    if (this.#chunk[this.#reader.at] !== OBJECT_START) return 'skip';
    this.#opened.push({ section, seen: new Set() });
    return 'enter';
  }

  #replaceNull(section: Section, path: JsonPath): JsonStep {
    const text = this.#toEmpty(section, path);
    const at = this.#reader.at;
    this.#insert(text, at);
    this.#done = at + 'null'.length;
    return 'skip';
  }

  #take(path: JsonPath, bytes: Buffer): void {
    if (path.length > 1) {
      // What should be an event and is none.
      this.#releaseHeld();
      return;
    }
    const value: unknown = parse(bytes);
    if (typeof value === 'string') this.#nextBatch = value;
  }

  #leave(path: JsonPath): void {
    // What ended is a list of events.
    if (path.length >= this.#opened.length) return;
    const opened = this.#opened.pop();
    if (opened === undefined) return;
    const missing = Object.entries(opened.section.sections ?? {})
      .filter(([name]) => !opened.seen.has(name))
      .map(([name, section]) => `${JSON.stringify(name)}:${this.#toEmpty(section, [...path, name])}`);
    if (missing.length === 0) return;
    this.#insert((opened.seen.size === 0 ? '' : ',') + missing.join(','), this.#reader.at);
  }

  /** Writes text before the byte at this place of the chunk. */
  #insert(text: string, at: number): void {
    this.#pieces.push(this.#chunk.subarray(this.#done, at), Buffer.from(text));
    this.#done = at;
  }

  #toEmpty(section: Section, path: JsonPath): string {
    if (section === PREV_BATCH) return JSON.stringify(this.#prevBatchOf(path[2] as RoomId));
    if (section.empty !== undefined) return section.empty;
    const members = Object.entries(section.sections ?? {}).map(
      ([name, inner]) => `${JSON.stringify(name)}:${this.#toEmpty(inner, [...path, name])}`,
    );
    return `{${members.join(',')}}`;
  }

  #prevBatchOf(roomId: RoomId): string {
    if (this.#firstEventId === null && this.#nextBatch !== undefined) return this.#nextBatch;
    return this.#toPrevBatch(roomId, this.#firstEventId);
  }
}

/** The keys on the way to a room: `rooms`, `join` or the like, and the room's id. */
const PATH_TO_ROOM = 3;
const NULL_START = 'n'.charCodeAt(0);

function sectionOf(parent: Section, key: string): Section | undefined {
  if (parent.each !== undefined) return parent.each;
  const { sections = {} } = parent;
  return Object.hasOwn(sections, key) ? sections[key] : undefined;
}

const isEventsOfRoom = (path: JsonPath): boolean =>
  path.length === 5 && (path[3] === 'timeline' || path[3] === 'state') && path[4] === 'events';

function idOf(bytes: Buffer, event: JsonMembers): EventId | null {
  const member = event.named(bytes, 'event_id');
  return (stringIn(bytes, event.valueStart(member), event.valueEnd(member)) as EventId | undefined) ?? null;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
