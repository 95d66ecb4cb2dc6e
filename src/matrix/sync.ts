// The modern answers that the gateway reads. Homeservers leave out what is empty, some send null:
// every key is optional but those without which the answer means nothing.

import type { ClientEvent, EphemeralEvent, JsonObject, StrippedEvent } from './client-event.ts';
import type {
  DeviceId,
  EventId,
  MessagesToken,
  Milliseconds,
  RoomId,
  SyncToken,
  UserId,
} from './identifiers.ts';

type Absent = null | undefined;

export interface EventBatch<Event> {
  events?: Event[] | Absent;
}

export interface TimelineBatch extends EventBatch<ClientEvent> {
  limited?: boolean | Absent;
  prev_batch?: MessagesToken | Absent;
}

/** A room of `rooms.join` or `rooms.leave`. */
export interface RoomUpdate {
  timeline?: TimelineBatch | Absent;
  state?: EventBatch<ClientEvent> | Absent;
  ephemeral?: EventBatch<EphemeralEvent> | Absent;
  account_data?: EventBatch<EphemeralEvent> | Absent;
}

export interface InvitedRoom {
  invite_state?: EventBatch<StrippedEvent> | Absent;
}

export interface KnockedRoom {
  knock_state?: EventBatch<StrippedEvent> | Absent;
}

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/sync.yaml */
export interface SyncResponse {
  next_batch: SyncToken;
  account_data?: EventBatch<EphemeralEvent> | Absent;
  presence?: EventBatch<EphemeralEvent> | Absent;
  rooms?:
    | {
        join?: Record<RoomId, RoomUpdate> | Absent;
        invite?: Record<RoomId, InvitedRoom> | Absent;
        knock?: Record<RoomId, KnockedRoom> | Absent;
        leave?: Record<RoomId, RoomUpdate> | Absent;
      }
    | Absent;
}

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/message_pagination.yaml */
export interface MessagesResponse {
  start?: MessagesToken | Absent;
  /** It is absent when nothing lies beyond; some homeservers give it on the last page too. */
  end?: MessagesToken | Absent;
  chunk?: ClientEvent[] | Absent;
  state?: ClientEvent[] | Absent;
}

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/event_context.yaml */
export interface ContextResponse {
  start?: MessagesToken | Absent;
  end?: MessagesToken | Absent;
  event?: ClientEvent | Absent;
}

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/whoami.yaml */
export interface WhoamiResponse {
  user_id: UserId;
  device_id?: DeviceId | Absent;
  is_guest?: boolean | Absent;
}

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/notifications.yaml */
export interface NotificationsResponse {
  next_token?: string | Absent;
  notifications?:
    | { room_id?: RoomId | null; ts?: Milliseconds; event?: (ClientEvent & { event_id?: EventId }) | null }[]
    | Absent;
}

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/versions.yaml */
export interface VersionsResponse {
  versions?: string[] | Absent;
  unstable_features?: Record<string, boolean> | Absent;
  server?: { name?: string; version?: string } | Absent;
}

/** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/room_summary.yaml */
export interface RoomSummaryResponse {
  world_readable?: boolean | Absent;
  membership?: string | Absent;
}

/** The events of a batch; an absent batch is an empty one. */
export function eventsOf<Event>(batch: EventBatch<Event> | Absent): Event[] {
  return batch?.events ?? [];
}

/** The entries of a map from room id to room; an absent map is an empty one. */
export function roomsOf<Room>(rooms: Record<RoomId, Room> | Absent): [RoomId, Room][] {
  return Object.entries(rooms ?? {}) as [RoomId, Room][];
}

export type { JsonObject };
