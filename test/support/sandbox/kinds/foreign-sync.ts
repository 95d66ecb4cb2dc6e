import type { ClientEvent, JsonObject } from '../../../../src/matrix/client-event.ts';
import type { MessagesToken, SyncToken } from '../../../../src/matrix/identifiers.ts';
import { roomsOf, type RoomUpdate, type SyncResponse } from '../../../../src/matrix/sync.ts';
import { withoutEmpty } from '../faults.ts';
import { parseFilter } from '../../../../src/sandbox/sync-filter.ts';
import { decodeSyncToken } from '../../../../src/sandbox/tokens.ts';

/** How a homeserver writes the places that a /sync answer names. */
export interface TokenWriter {
  syncToken(stream: number): string;
  /** Before a timeline's first event. */
  before(eventId: string): string;
}

/**
 * The sandbox's /sync answer with another homeserver's tokens, and without keys for what is empty: so do all but Synapse.
 *
 * @see docs/reference/homeservers.md#sync
 */
export function toForeignSync(
  own: SyncResponse,
  tokens: TokenWriter,
  changeRoom: (room: RoomUpdate) => RoomUpdate = (room) => room,
): SyncResponse {
  const { next_batch, rooms, ...sections } = own;
  const nextBatch = tokens.syncToken(decodeSyncToken(next_batch).stream);
  const foreign = (room: RoomUpdate): RoomUpdate => changeRoom({ ...room, ...timelineOf(room, tokens) });
  const kinds = Object.entries(rooms ?? {}).map(([kind, given]) => {
    const isOfMembers = kind === 'join' || kind === 'leave';
    const list = roomsOf(given as Record<string, RoomUpdate>);
    return [kind, Object.fromEntries(list.map(([id, room]) => [id, isOfMembers ? foreign(room) : room]))];
  });
  const shown = withoutEmpty({ ...sections, rooms: Object.fromEntries(kinds) }, undefined) ?? {};
  return { ...(shown as object), next_batch: nextBatch as SyncToken };
}

function timelineOf({ timeline }: RoomUpdate, tokens: TokenWriter): Pick<RoomUpdate, 'timeline'> {
  const [first] = timeline?.events ?? [];
  if (first === undefined) return { timeline: undefined };
  const prevBatch = tokens.before((first as ClientEvent & { event_id: string }).event_id);
  return { timeline: { ...timeline, prev_batch: prevBatch as MessagesToken } };
}

/** The filter of a query, less what a homeserver does not look at. One that is named by its id stays as it is. */
export function changeFilter(
  text: string | null,
  change: (filter: ReadFilter) => object,
): string | undefined {
  if (text === null || !text.startsWith('{')) return text ?? undefined;
  const filter = parseFilter(text);
  return JSON.stringify(change({ ...filter, room: (filter['room'] ?? {}) as JsonObject }));
}

export type ReadFilter = JsonObject & { room: JsonObject };
