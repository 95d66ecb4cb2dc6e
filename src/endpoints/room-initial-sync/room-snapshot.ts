import type { Account } from '../../homeserver/homeserver.ts';
import type { Turns } from '../../scheduling/turns.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { Milliseconds, UserId } from '../../matrix/identifiers.ts';
import type { LegacyEphemeralEvent } from '../../matrix/legacy.ts';
import { ByteSink } from '../../stream/byte-sink.ts';
import { ARRAY_START } from '../../stream/json-bytes.ts';
import type { JsonMembers } from '../../stream/json-members.ts';
import {
  JsonReader,
  JsonReaderError,
  type JsonPath,
  type JsonStep,
  type JsonVisitor,
} from '../../stream/json-reader.ts';
import { unreadable } from '../../homeserver/unreadable-answer.ts';
import { LegacyEventBytes } from '../../translate/legacy-event-bytes.ts';
import { checkEvent } from '../../translate/checked-event.ts';
import { JoinedMembers } from '../../translate/joined-members.ts';
import type { OwnView } from '../../translate/own-view.ts';
import {
  roomEnd,
  roomStart,
  roomState,
  toPresenceEvent,
  type RoomSnapshot,
} from '../../translate/room-initial-sync.ts';
import type { Spool } from '../streamed/spool.ts';

export interface RoomSnapshotOptions {
  snapshot: RoomSnapshot;
  nowMs: Milliseconds;
  /** Has the events of the chunk, in so many pages, the newest one first. */
  spool: Spool;
  pages: number;
  /** The room's state, as it comes. */
  state: AsyncIterable<Buffer>;
  own: OwnView | Promise<OwnView>;
  account: Account;
  showsPresence: boolean;
  /** A turn for each member whose presence is asked for. */
  callTurns: Turns;
  /** The owner of these turns. */
  owner: unknown;
}

/** Nobody's presence is asked for in larger rooms. */
const MOST_MEMBERS = 50;
/** The answer for a small room takes so much; the buffer grows with larger ones. */
const FIRST_BYTES = 4 * 1024;
/** Smaller pieces cost a system call each. */
const PIECE_BYTES = 64 * 1024;

/** The answer as JSON text, a piece for each of the homeserver's: neither its events nor its state are held at once. */
export async function* writeRoomSnapshot(options: RoomSnapshotOptions): AsyncGenerator<Buffer> {
  const { snapshot } = options;
  const members = new JoinedMembers(MOST_MEMBERS);
  const sink = new ByteSink(FIRST_BYTES);
  yield* writeChunk(options);
  try {
    const reader = new JsonReader(new StateWriter(options, members, sink));
    sink.text(roomState(snapshot));
    for await (const chunk of options.state) {
      reader.push(chunk);
      yield Buffer.from(sink.drain());
    }
    reader.end();
  } catch (cause) {
    if (cause instanceof MatrixError || options.account.signal.aborted) throw cause;
    throw unreadable(cause);
  }
  const presence =
    options.showsPresence && !members.areTooMany ? await readPresence(members.userIds, options) : [];
  const { receipts, accountData } = await options.own;
  sink.text(roomEnd(presence, receipts, accountData));
  yield Buffer.from(sink.drain());
}

async function* writeChunk({ snapshot, spool, pages }: RoomSnapshotOptions): AsyncGenerator<Buffer> {
  yield Buffer.from(roomStart(snapshot));
  for (let page = pages - 1; page >= 0; page -= 1) {
    for await (const { bytes } of spool.release(`page ${page}`)) yield* inPieces(bytes);
    if (page > 0) yield Buffer.from(',');
  }
}

/** Large bytes in pieces, each sent in its turn. */
function* inPieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** Reads a list of state events and writes them, as Synapse does without `unsigned.membership`. */
class StateWriter implements JsonVisitor {
  readonly #events: LegacyEventBytes;
  readonly #joined: JoinedMembers;
  readonly #sink: ByteSink;
  #separator = '';

  constructor({ snapshot, nowMs }: RoomSnapshotOptions, joined: JoinedMembers, sink: ByteSink) {
    this.#events = new LegacyEventBytes(snapshot.roomId, nowMs, { withoutUnsigned: ['membership'] });
    this.#joined = joined;
    this.#sink = sink;
  }

  visit(path: JsonPath, first: number): JsonStep {
    if (path.length > 0) return 'take members';
    if (first !== ARRAY_START) throw new JsonReaderError('The state is no list');
    return 'enter';
  }

  take(): void {
    throw new JsonReaderError('A state event is no object, or not well-formed');
  }

  takeMembers(_path: JsonPath, bytes: Buffer, members: JsonMembers): void {
    checkEvent(bytes, members);
    this.#joined.note(bytes, members);
    this.#sink.text(this.#separator);
    this.#separator = ',';
    this.#events.write(bytes, members, this.#sink);
  }

  leave(): void {}
}

/** Reads the presence of each member as the homeserver tells it; a user who cannot be asked about is left out. */
async function readPresence(
  members: readonly UserId[],
  { account, callTurns, owner }: RoomSnapshotOptions,
): Promise<LegacyEphemeralEvent[]> {
  const asked = members.map(async (userId) => {
    const end = await callTurns.enter(owner, account.signal);
    return toPresenceEvent(userId, await account.presence(userId).finally(end));
  });
  const answers = await Promise.allSettled(asked);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}
