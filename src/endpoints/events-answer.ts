// The legacy answer of a stream, `{start, chunk, end}`, as JSON text.

import { Readable } from 'node:stream';
import type { CatchUpAnswer } from '../cursors/catch-up-answer.ts';
import type { ClientEvent } from '../matrix/client-event.ts';
import type { RoomId } from '../matrix/identifiers.ts';
import type { EventsResponse, LegacyEphemeralEvent, LegacyEvent } from '../matrix/legacy.ts';

/** A room's event → what the client gets of it. */
export type ToLegacy = (event: ClientEvent, roomId: RoomId) => LegacyEvent;

/** An answer that is at hand. */
export function writeAnswer(answer: EventsResponse): string {
  return JSON.stringify(answer);
}

/**
 * A catch-up's answer, a page at a time: whoever reads it sets the pace. `rest` (what is not room history) comes last in
 * the chunk, and `end` last of all, when it is known how far the answer got.
 */
export function streamCatchUp(
  start: string,
  steps: CatchUpAnswer,
  rest: readonly LegacyEphemeralEvent[],
  toLegacy: ToLegacy,
): Readable {
  return Readable.from(writeCatchUp(start, steps, rest, toLegacy), { objectMode: false });
}

async function* writeCatchUp(
  start: string,
  steps: CatchUpAnswer,
  rest: readonly LegacyEphemeralEvent[],
  toLegacy: ToLegacy,
): AsyncGenerator<string> {
  // Each piece is a write of its own, so the head goes out with the first events and the tail with what stands last.
  let text = `{"start":${JSON.stringify(start)},"chunk":[`;
  let separator = '';
  for (let step = await steps.next(); ; step = await steps.next()) {
    if (step.done === true) {
      if (rest.length > 0) text += separator + rest.map((event) => JSON.stringify(event)).join();
      yield `${text}],"end":${JSON.stringify(step.value)}}`;
      return;
    }
    const { events, roomId } = step.value;
    yield text + separator + events.map((event) => JSON.stringify(toLegacy(event, roomId))).join();
    text = '';
    separator = ',';
  }
}
