// The legacy answer of a stream, `{start, chunk, end}`, as JSON text.

import { Readable } from 'node:stream';
import type { CatchUpAnswer } from '../cursors/catch-up-answer.ts';
import type { RoomEvent } from '../cursors/catch-up.ts';
import { piecesOrRefuse } from '../homeserver/unreadable-answer.ts';
import type { EventId, Milliseconds, RoomId } from '../matrix/identifiers.ts';
import type { EventsResponse, LegacyEphemeralEvent } from '../matrix/legacy.ts';
import { ByteSink } from '../stream/byte-sink.ts';
import { COMMA } from '../stream/json-bytes.ts';
import { LegacyEventBytes } from '../translate/legacy-event-bytes.ts';
import { toLegacyEvent } from '../translate/legacy-event.ts';
import { WrittenEvent } from '../translate/written-event.ts';

/** How an answer's room events are written. */
export interface EventWriting {
  /** Told of each event that is given. */
  onEvent(eventId: EventId | undefined, roomId: RoomId): void;
  /** The federation form. */
  isRaw: boolean;
  /** Up to when ages are counted. */
  nowMs: Milliseconds;
}

/** An answer that is at hand. */
export function writeAnswer(answer: EventsResponse): string {
  return JSON.stringify(answer);
}

/**
 * A catch-up's answer, some pages at a time: whoever reads it sets the pace. `rest` (what is not room history) comes last
 * in the chunk, and `end` last of all, when it is known how far the answer got.
 */
export function streamCatchUp(
  start: string,
  steps: CatchUpAnswer,
  rest: readonly LegacyEphemeralEvent[],
  writing: EventWriting,
): Readable {
  return Readable.from(piecesOrRefuse(writeCatchUp(start, steps, rest, writing)), { objectMode: false });
}

/** Pieces are worth a write: each wakes the client. The first one does not wait, as the client waits for it. */
const PIECE_BYTES = 128 * 1024;

async function* writeCatchUp(
  start: string,
  steps: CatchUpAnswer,
  rest: readonly LegacyEphemeralEvent[],
  writing: EventWriting,
): AsyncGenerator<Buffer> {
  const sink = new ByteSink(2 * PIECE_BYTES);
  sink.text(`{"start":${JSON.stringify(start)},"chunk":[`);
  let bytes: LegacyEventBytes | undefined;
  let isFirst = true;
  for (let step = await steps.next(); ; step = await steps.next()) {
    if (step.done === true) {
      if (rest.length > 0)
        sink.text((isFirst ? '' : ',') + rest.map((event) => JSON.stringify(event)).join());
      sink.text(`],"end":${JSON.stringify(step.value)}}`);
      yield Buffer.from(sink.drain());
      return;
    }
    const { events, roomId } = step.value;
    if (!isFirst) sink.byte(COMMA);
    if (bytes?.roomId !== roomId) bytes = new LegacyEventBytes(roomId, writing.nowMs, writing);
    writeEvents(events, bytes, writing, sink);
    if (isFirst || sink.length >= PIECE_BYTES) yield Buffer.from(sink.drain());
    isFirst = false;
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
