// What a remainder keeps alive.

import { JsonMembers } from '../stream/json-members.ts';
import type { RoomEvent } from '../translate/events.ts';
import { WrittenEvent } from '../translate/written-event.ts';
import type { Remainder } from './remainder.ts';

/** The cost of an entry and of a room beside the events (keys, tokens, links), and of an event beside its bytes. */
const BYTES_PER_ENTRY = 1024;
const BYTES_PER_ROOM = 256;
const BYTES_PER_EVENT = 256;

/** How many bytes a remainder keeps alive: whole pages, where an event is a part of one. Pages on their way are not known. */
export function bytesOfRemainder({ rooms, progress }: Remainder): number {
  let bytes = BYTES_PER_ENTRY + bytesOfEvents(progress?.pending ?? []);
  for (const room of rooms) bytes += BYTES_PER_ROOM + bytesOfEvents(room.timeline);
  return bytes;
}

/**
 * Frees a remainder of the page behind it where little of the page is left to give: its events are copied out, so
 * that a page of six megabytes is not kept for one event.
 */
export function withoutLargePage(remainder: Remainder): Remainder {
  const { progress } = remainder;
  const pending = progress?.pending ?? [];
  if (progress === undefined || pending.length === 0) return remainder;
  const own = pending.reduce((sum, event) => sum + ownBytes(event), 0);
  if (own * 2 > bytesOfPages(pending)) return remainder;
  return { ...remainder, progress: { ...progress, pending: copiesOf(pending, own) } };
}

// Lists of events are shared by the remainders of one catch-up, so each is measured once.
const measured = new WeakMap<readonly RoomEvent[], number>();

function bytesOfEvents(events: readonly RoomEvent[]): number {
  if (events.length === 0) return 0;
  const known = measured.get(events);
  if (known !== undefined) return known;
  const parsed = events.filter((event) => !(event instanceof WrittenEvent));
  const bytes =
    events.length * BYTES_PER_EVENT +
    bytesOfPages(events) +
    parsed.reduce((sum, event) => sum + JSON.stringify(event).length * 2, 0);
  measured.set(events, bytes);
  return bytes;
}

/**
 * Counts all buffers in which the events lie, each once. Small ones share the memory of Node's pool, which is not
 * counted.
 */
function bytesOfPages(events: readonly RoomEvent[]): number {
  const pages = new Set<Buffer>();
  for (const event of events) if (event instanceof WrittenEvent) pages.add(event.bytes);
  let bytes = 0;
  for (const page of pages) bytes += page.length < Buffer.poolSize / 2 ? page.length : page.buffer.byteLength;
  return bytes;
}

const ownBytes = (event: RoomEvent): number => (event instanceof WrittenEvent ? event.end - event.start : 0);

/** Copies events, which have so many bytes, into memory of their own. */
function copiesOf(events: readonly RoomEvent[], length: number): RoomEvent[] {
  const bytes = Buffer.alloc(length);
  const members = new JsonMembers();
  let at = 0;
  return events.map((event) => {
    if (!(event instanceof WrittenEvent)) return event;
    event.bytes.copy(bytes, at, event.start, event.end);
    if (!members.find(bytes, at)) return event;
    at = members.end;
    return new WrittenEvent(bytes, members);
  });
}
