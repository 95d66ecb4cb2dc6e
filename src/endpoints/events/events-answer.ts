// The legacy answer of a stream, `{start, chunk, end}`, as JSON text.

import { Readable } from 'node:stream';
import type { CatchUpAnswer } from '../../follow/catch-up-answer.ts';
import { piecesOrRefuse } from '../../homeserver/unreadable-answer.ts';
import type { EventId, Milliseconds, RoomId } from '../../matrix/identifiers.ts';
import type { EventsResponse } from '../../matrix/legacy.ts';
import { inTurns } from '../../scheduling/loop-budget.ts';
import { ByteSink } from '../../stream/byte-sink.ts';
import { COMMA } from '../../stream/json-bytes.ts';
import type { RoomEvent, RoomTimeline } from '../../translate/events.ts';
import { mergeTimelines } from '../../translate/events.ts';
import { LegacyEventBytes } from '../../translate/legacy-event-bytes.ts';
import { toLegacyEvent } from '../../translate/legacy-event.ts';
import { WrittenEvent } from '../../translate/written-event.ts';

/** How an answer's room events are written. */
export interface EventWriting {
  /** Is told of each event that is given. */
  onEvent(eventId: EventId | undefined, roomId: RoomId): void;
  /** The federation form. */
  isRaw: boolean;
  /** The time up to which ages are counted. */
  nowMs: Milliseconds;
}

/** An answer that is at hand. */
export function writeAnswer(answer: EventsResponse): string {
  return JSON.stringify(answer);
}

/** Events of one room that are given one after the other. */
interface RoomEvents {
  roomId: RoomId;
  events: readonly RoomEvent[];
}

/**
 * An answer that holds all that happened: the rooms' timelines as one list, then `rest` (what is not room history), each
 * as JSON text. A large one comes in pieces.
 */
export async function answerUpdate(
  start: string,
  update: { rooms: readonly RoomTimeline[]; rest: readonly Buffer[]; end: string },
  writing: EventWriting,
): Promise<Readable | Buffer> {
  const pieces = writePieces(start, updateSteps(update), update.rest, writing);
  return sizeOf(update) > MOST_WHOLE_BYTES ? toReadable(pieces) : wholeOf(pieces);
}

/**
 * A catch-up's answer, some pages at a time: whoever reads it sets the pace. `rest` comes last in the chunk, and `end` last
 * of all, when it is known how far the answer got.
 */
export function streamCatchUp(
  start: string,
  steps: CatchUpAnswer,
  rest: readonly Buffer[],
  writing: EventWriting,
): Readable {
  return toReadable(writePieces(start, steps, rest, writing));
}

const toReadable = (pieces: AsyncGenerator<Buffer>): Readable =>
  Readable.from(inTurns(piecesOrRefuse(pieces)), { objectMode: false });

async function wholeOf(pieces: AsyncGenerator<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of piecesOrRefuse(pieces)) all.push(piece);
  return Buffer.concat(all);
}

/** Pieces are worth a write: each wakes the client. The first one does not wait, as the client waits for it. */
const PIECE_BYTES = 128 * 1024;
/** An answer up to so many bytes has a `Content-Length`, which some small devices need. */
const MOST_WHOLE_BYTES = 256 * 1024;

async function* updateSteps({
  rooms,
  end,
}: {
  rooms: readonly RoomTimeline[];
  end: string;
}): AsyncGenerator<RoomEvents, string> {
  for (const { roomId, event } of mergeTimelines(rooms)) yield { roomId, events: [event] };
  return end;
}

/** About how long the answer will be. */
function sizeOf({ rooms, rest }: { rooms: readonly RoomTimeline[]; rest: readonly Buffer[] }): number {
  let bytes = 0;
  for (const piece of rest) bytes += piece.length;
  for (const { timeline } of rooms)
    for (const event of timeline) bytes += event instanceof WrittenEvent ? event.end - event.start : 1024;
  return bytes;
}

async function* writePieces(
  start: string,
  steps: AsyncGenerator<RoomEvents, string>,
  rest: readonly Buffer[],
  writing: EventWriting,
): AsyncGenerator<Buffer> {
  const sink = new ByteSink(2 * PIECE_BYTES);
  sink.text(`{"start":${JSON.stringify(start)},"chunk":[`);
  const writers = new Map<RoomId, LegacyEventBytes>();
  let isFirst = true;
  try {
    let step = await steps.next();
    for (; step.done !== true; step = await steps.next()) {
      const { events, roomId } = step.value;
      if (!isFirst) sink.byte(COMMA);
      const writer = writers.get(roomId) ?? new LegacyEventBytes(roomId, writing.nowMs, writing);
      writers.set(roomId, writer);
      writeEvents(events, writer, writing, sink);
      if (isFirst || sink.length >= PIECE_BYTES) yield Buffer.from(sink.drain());
      isFirst = false;
    }
    for (const event of rest) {
      if (!isFirst) sink.byte(COMMA);
      isFirst = false;
      sink.bytes(event);
      if (sink.length >= PIECE_BYTES) yield Buffer.from(sink.drain());
    }
    sink.text(`],"end":${JSON.stringify(step.value)}}`);
    yield Buffer.from(sink.drain());
  } finally {
    // A client that left does not read to the end.
    await steps.return('');
  }
}

/** At least one event of a room, with commas between. */
function writeEvents(
  events: readonly RoomEvent[],
  bytes: LegacyEventBytes,
  writing: EventWriting,
  sink: ByteSink,
): void {
  const { roomId } = bytes;
  let isFirst = true;
  for (const event of events) {
    if (!isFirst) sink.byte(COMMA);
    isFirst = false;
    writing.onEvent(event.event_id, roomId);
    if (event instanceof WrittenEvent) bytes.writeEvent(event, sink);
    else sink.text(JSON.stringify(toLegacyEvent(event, roomId, writing.nowMs, writing)));
  }
}
