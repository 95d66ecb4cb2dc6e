// An incremental /sync as the gateway reads it, with everything in it parsed, for comparing.

import type { ClientEvent } from '../../src/matrix/client-event.ts';
import type { LegacyEphemeralEvent } from '../../src/matrix/legacy.ts';
import { JsonReader } from '../../src/stream/json-reader.ts';
import type { RoomEvent, StreamUpdate } from '../../src/translate/events.ts';
import {
  StreamUpdateReader,
  type HeldBytes,
  type SyncUpdate,
} from '../../src/translate/stream-update-reader.ts';
import { WrittenEvent } from '../../src/translate/written-event.ts';
import { me } from './generated-sync.ts';

export const ALL_IS_HELD: HeldBytes = { take: () => true, give: () => {} };

/** Reads an answer, in pieces of so many bytes. */
export function readUpdate(
  answer: unknown,
  { held = ALL_IS_HELD, chunkLength = 97 }: { held?: HeldBytes; chunkLength?: number } = {},
): SyncUpdate {
  const visitor = new StreamUpdateReader(me, held);
  const reader = new JsonReader(visitor);
  const bytes = Buffer.from(JSON.stringify(answer));
  for (let at = 0; at < bytes.length; at += chunkLength) reader.push(bytes.subarray(at, at + chunkLength));
  reader.end();
  return visitor.finish();
}

export const parsedEvent = (event: RoomEvent): ClientEvent =>
  event instanceof WrittenEvent ? event.parse() : event;

export const timelineOf = ({ timeline }: { timeline: readonly RoomEvent[] }): ClientEvent[] =>
  timeline.map(parsedEvent);

export const ephemeralOf = ({ ephemeral }: StreamUpdate): LegacyEphemeralEvent[] =>
  ephemeral.map(({ bytes }) => JSON.parse(bytes.toString()) as LegacyEphemeralEvent);
