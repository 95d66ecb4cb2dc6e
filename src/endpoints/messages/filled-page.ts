import type { Account, MessagesQuery } from '../../homeserver/homeserver.ts';
import { piecesOrRefuse } from '../../homeserver/unreadable-answer.ts';
import type { Clock } from '../../scheduling/clock.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { EventId, MessagesToken, Milliseconds, RoomId } from '../../matrix/identifiers.ts';
import { ByteSink } from '../../stream/byte-sink.ts';
import { JsonReader, JsonReaderError } from '../../stream/json-reader.ts';
import type { LegacyEventBytes } from '../../translate/legacy-event-bytes.ts';
import { MessagesPart, type PageWriting } from '../../translate/messages-part.ts';
import type { Spool } from '../streamed/spool.ts';

export interface FilledPageOptions {
  account: Account;
  roomId: RoomId;
  query: MessagesQuery;
  /** Writes legacy events; absent: events are given as they came. */
  legacy?: LegacyEventBytes;
  /** Whether the homeserver leads on from a room's creation: see `HomeserverKind`. */
  repeatsCreation: boolean;
  /** A token of ours for the place beyond an event, where the homeserver gives none. */
  tokenBeyond: (eventId: EventId) => string;
  /** Holds the page's `state` while events are still coming. */
  spool: Spool;
  clock: Clock;
}

/** At most so many further pages are asked for, and none is begun when so much time has passed. */
const MOST_FURTHER_PAGES = 5;
const LONGEST_FILLING_MS: Milliseconds = 10_000;
const PIECE_BYTES = 64 * 1024;

/**
 * The pages of `/messages` from one place on → one page of at least `limit` events, while they come in: js-sdk 0.3
 * takes a shorter one for the end of history.
 *
 * Each further page is a whole one, and all of it is given, so the answer may have up to twice `limit`. To ask for
 * what is missing would not do, as Conduit counts before it leaves out what cannot be seen: its page is empty then,
 * and says that history ends. Nor would it do to cut a page: there is no token for a place inside it.
 *
 * `end` is there whenever there are events, as in Synapse: where the last page that has one ended, else a token of
 * ours. No event comes twice. A further page that cannot be had is not missed: the client asks for it next. Throws,
 * or is cut, where a page that was begun cannot be read to its end.
 *
 * Differs: filled-pages-may-be-longer
 *
 *
 *
 * @see docs/reference/clients.md#matrix-js-sdk-02-and-03
 */
export function writeFilledPage(options: FilledPageOptions): AsyncGenerator<Buffer, void> {
  return piecesOrRefuse(new FilledPage(options).write());
}

/** The parts of a page gave this beside their events. */
interface Parts {
  start: string | undefined;
  end: string | undefined;
  hasState: boolean;
}

class FilledPage {
  readonly #options: FilledPageOptions;
  readonly #sink = new ByteSink(2 * PIECE_BYTES);
  readonly #states: Buffer[] = [];
  readonly #writing: PageWriting;
  readonly #latest: Milliseconds;

  constructor(options: FilledPageOptions) {
    this.#options = options;
    this.#latest = options.clock.now() + LONGEST_FILLING_MS;
    this.#writing = {
      sink: this.#sink,
      count: 0,
      given: new Set(),
      last: undefined,
      isAtCreation: false,
      holdState: (event) => this.#states.push(event),
      ...(options.legacy !== undefined && { legacy: options.legacy }),
    };
  }

  async *write(): AsyncGenerator<Buffer, void> {
    const sink = this.#sink;
    sink.text('{"chunk":[');
    const { start, end: told, hasState } = yield* this.#writeParts();
    sink.text(']');
    if (hasState) yield* this.#writeState();
    const { last } = this.#writing;
    const end = told ?? (last === undefined ? undefined : this.#options.tokenBeyond(last));
    if (start !== undefined) sink.text(`,"start":${JSON.stringify(start)}`);
    if (end !== undefined) sink.text(`,"end":${JSON.stringify(end)}`);
    sink.text('}');
    yield sink.drain();
  }

  async *#writeParts(): AsyncGenerator<Buffer, Parts> {
    const { query } = this.#options;
    const first = yield* this.#writePart(query);
    const { start } = first;
    let { end, hasState } = first;
    // Dendrite's first page of a room leads back to itself, with the same event on it: who follows it would never end.
    if (end === query.from) end = undefined;
    for (let further = 0; further < MOST_FURTHER_PAGES; further += 1) {
      if (this.#leadsBack()) end = undefined;
      if (end === undefined || this.#isEnough()) break;
      const part = yield* this.#writeFurtherPart({ ...query, from: end as MessagesToken });
      if (part === undefined) break;
      hasState ||= part.hasState;
      if (part.end === undefined || part.end === end) {
        // Behind events of its own it is the end of history, else the place that led here stays.
        if (part.count > 0) end = undefined;
        break;
      }
      end = part.end;
    }
    return { start, end: this.#leadsBack() ? undefined : end, hasState };
  }

  #isEnough(): boolean {
    return this.#writing.count >= this.#options.query.limit || this.#options.clock.now() >= this.#latest;
  }

  /** True where the next page begins behind the room's creation, and would lead to the creation again. */
  #leadsBack(): boolean {
    const { repeatsCreation, query } = this.#options;
    return repeatsCreation && query.dir === 'b' && this.#writing.isAtCreation;
  }

  async *#writePart(asked: MessagesQuery): AsyncGenerator<Buffer, MessagesPart> {
    const { account, roomId, spool } = this.#options;
    const read = new MessagesPart(this.#writing);
    const reader = new JsonReader(read);
    for await (const chunk of await account.streamMessages(roomId, asked)) {
      reader.push(chunk);
      for (const bytes of this.#states.splice(0)) await spool.hold('state', { roomId, bytes });
      if (this.#sink.length >= PIECE_BYTES) yield this.#sink.drain();
    }
    reader.end();
    return read;
  }

  /**
   * Writes a further page; returns undefined where it could not be had: the pages before are not lost for it, unless
   * something of it was given.
   */
  async *#writeFurtherPart(asked: MessagesQuery): AsyncGenerator<Buffer, MessagesPart | undefined> {
    const before = this.#writing.count;
    try {
      return yield* this.#writePart(asked);
    } catch (error) {
      const isOurs = error instanceof MatrixError || error instanceof JsonReaderError;
      if (isOurs && this.#writing.count === before) return undefined;
      throw error;
    }
  }

  async *#writeState(): AsyncGenerator<Buffer, void> {
    const { spool, legacy } = this.#options;
    const sink = this.#sink;
    sink.text(',"state":[');
    let isFirst = true;
    for await (const { bytes } of spool.release('state')) {
      if (!isFirst) sink.text(',');
      isFirst = false;
      if (legacy === undefined) sink.bytes(bytes);
      else legacy.writeAt(bytes, 0, sink);
      if (sink.length >= PIECE_BYTES) yield sink.drain();
    }
    sink.text(']');
  }
}
