import type { DeviceId, MessagesToken, Milliseconds } from '../matrix/identifiers.ts';
import type { RoomUpdate } from '../matrix/sync.ts';
import type { Room } from './room.ts';
import { type StoredEvent, toSyncEvent } from './stored-event.ts';
import { accountDataEvents, ephemeralEvents } from './sync-extras.ts';
import type { SyncFilter } from './sync-filter.ts';
import { encodeSyncToken } from './tokens.ts';
import type { User } from './user.ts';
import { isVisible } from './visibility.ts';

export interface SyncRequest {
  user: User;
  deviceId: DeviceId;
  /** The position to begin at; undefined: the beginning. */
  since: number | undefined;
  filter: SyncFilter;
}

/** The part of a room's history that is told. */
export interface Window {
  /** The position at which it ends: now, or the user's leave. */
  until: number;
  /** The client knows nothing of the room, because it is new to the user, or everything is asked for. */
  isNew: boolean;
}

/**
 * A room as /sync tells it: the newest events in order of arrival, the state before them, and what is no history.
 *
 * @see docs/reference/synapse-legacy.md#sync
 */
export function toRoomUpdate(
  room: Room,
  request: SyncRequest,
  window: Window,
  nowMs: Milliseconds,
): RoomUpdate & { summary: object; unread_notifications: object } {
  const { user, since, filter, deviceId } = request;
  const { events, limited } = recentEvents(room, request, window);
  const startsAfter = events[0] === undefined ? window.until : events[0].stream - 1;
  // Of a whole room it is *now*, from where the timeline comes again: so does Synapse.
  const prevBatch = encodeSyncToken(since === undefined && !limited ? window.until : startsAfter);
  const known = window.isNew ? undefined : since;
  const membershipAt = (event: StoredEvent): string => room.membership(user.userId, event.stream);
  return {
    timeline: {
      events: events.map((event) => toSyncEvent(event, { deviceId, membership: membershipAt(event) }, nowMs)),
      limited,
      prev_batch: prevBatch as string as MessagesToken,
    },
    state: {
      events: stateBeside(events, room, known, [startsAfter, window.until])
        .filter((event) => filter.state(event))
        .map((event) => toSyncEvent(event, { deviceId }, nowMs)),
    },
    ephemeral: { events: ephemeralEvents(room, user, known).filter(filter.ephemeral) },
    account_data: {
      events: accountDataEvents(user.roomAccountData.get(room.roomId), known).filter(filter.roomAccountData),
    },
    summary: {},
    unread_notifications: { notification_count: 0, highlight_count: 0 },
  };
}

/** Whether a known room is worth telling: state that no timeline goes with is not, as in Synapse. */
export function hasContent({ timeline, ephemeral, account_data }: RoomUpdate): boolean {
  return (
    timeline?.limited === true ||
    [timeline, ephemeral, account_data].some((batch) => (batch?.events ?? []).length > 0)
  );
}

/** The newest events that the user may see, oldest first; of a new room they reach back before `since`. */
function recentEvents(
  room: Room,
  { user, since, filter }: SyncRequest,
  { until, isNew }: Window,
): { events: StoredEvent[]; limited: boolean } {
  const oldest = isNew ? -1 : (since ?? -1);
  const events: StoredEvent[] = [];
  for (let at = room.timeline.arrivedUntil(until) - 1; at >= 0; at -= 1) {
    const event = room.timeline.byArrival[at];
    if (event === undefined || event.stream <= oldest) break;
    if (!filter.timeline(event) || !isVisible(event, room, user)) continue;
    if (events.length >= filter.timelineLimit) return { events: events.toReversed(), limited: true };
    events.push(event);
  }
  return { events: events.toReversed(), limited: isNew && since !== undefined };
}

/** Returns the state before the timeline, and of the state after it what the timeline does not show. */
function stateBeside(
  timeline: readonly StoredEvent[],
  room: Room,
  since: number | undefined,
  positions: readonly number[],
): StoredEvent[] {
  const stateAt = (at: number): StoredEvent[] =>
    since === undefined ? room.stateAt(at) : room.stateChanges(since, at);
  const shown = new Set(timeline);
  const state = new Map<string, StoredEvent>();
  for (const event of positions.flatMap(stateAt))
    if (!shown.has(event)) state.set(JSON.stringify([event.type, event.stateKey]), event);
  return [...state.values()];
}
