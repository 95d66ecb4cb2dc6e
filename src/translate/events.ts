import {
  isMembershipOf,
  type ClientEvent,
  type EphemeralEvent,
  type StrippedEvent,
} from '../matrix/client-event.ts';
import type { EventId, RoomId, UserId } from '../matrix/identifiers.ts';
import type { LegacyEphemeralEvent } from '../matrix/legacy.ts';
import { eventsOf, roomsOf, type RoomUpdate, type SyncResponse } from '../matrix/sync.ts';
import { toLegacyPresence } from './presence.ts';

/** A room's history in an incremental `/sync`, by arrival. */
export interface RoomTimeline {
  roomId: RoomId;
  timeline: ClientEvent[];
  /** Whether the timeline is all that happened since. */
  isWhole: boolean;
  /** Our own last leave, where the room is left now. */
  lastVisible?: EventId;
}

/** An invite or a knock of our own, of which the homeserver shows only stripped state. */
export interface PendingRoom {
  roomId: RoomId;
  membership: 'invite' | 'knock';
  strippedState: StrippedEvent[];
}

/** What an incremental `/sync` holds that the legacy stream has as well. */
export interface StreamUpdate {
  /** Rooms with history, in the order of their ids. */
  rooms: RoomTimeline[];
  pendingRooms: PendingRoom[];
  /** Presence, typing, receipts and account data, in native's order. */
  ephemeral: LegacyEphemeralEvent[];
}

/**
 * SyncResponse → StreamUpdate: everything that legacy clients saw, and nothing else.
 *
 * Differs: presence stands once for each user. Native repeats it for every join, also of those who were there.
 * Differs: own membership events stand once. Native gives them twice while the room is joined.
 * Differs: own presence does not come with an own join. /sync gives that of those who were not seen before.
 * Differs: what happened before a leave, kick or ban is delivered. Native loses it when the poll starts afterwards.
 * Differs: what happened in a room between `from` and an own join is delivered. Native loses it when the poll waits then.
 * Differs: invites of ignored users do not come. /sync leaves them out.
 *
 * Left out: `state` (the stream has no state section; what changed in a gap is in the gap), to-device messages, device
 * lists, push rules, counts, summaries. Any key may be missing or null.
 *
 * @see reference/native.md §2.3
 */
export function toStreamUpdate(sync: SyncResponse, userId: UserId): StreamUpdate {
  const joined = roomsOf(sync.rooms?.join);
  const left = roomsOf(sync.rooms?.leave);
  const timelines = [
    ...joined.map(([roomId, room]) => toRoomTimeline(roomId, room)),
    ...left.map(([roomId, room]) => toLeftTimeline(roomId, room, userId)),
  ];
  return {
    rooms: timelines.filter(({ timeline, isWhole }) => timeline.length > 0 || !isWhole).toSorted(byRoomId),
    pendingRooms: toPendingRooms(sync),
    ephemeral: [
      ...eventsOf(sync.presence).map(toLegacyPresence),
      ...toRoomEphemeral(joined, 'm.typing'),
      ...toRoomEphemeral(joined, 'm.receipt'),
      ...toAccountData(sync, [...joined, ...left]),
    ],
  };
}

/** Whether nothing of it would show: such an answer wakes no legacy poll. */
export function isSilent({ rooms, pendingRooms, ephemeral }: StreamUpdate): boolean {
  return rooms.length === 0 && pendingRooms.length === 0 && ephemeral.length === 0;
}

/** How many room events it holds, as far as the timelines go. */
export function countRoomEvents({ rooms }: StreamUpdate): number {
  return rooms.reduce((count, { timeline }) => count + timeline.length, 0);
}

/**
 * Timelines → one list, oldest first, each room in its own order.
 *
 * Differs: events of several rooms are in the order of their timestamps. /sync orders events only within a room; across rooms we go by `origin_server_ts`.
 */
export function mergeTimelines(rooms: readonly RoomTimeline[]): { roomId: RoomId; event: ClientEvent }[] {
  const queues = rooms.map(({ roomId, timeline }) => ({ roomId, timeline, next: 0 }));
  const merged: { roomId: RoomId; event: ClientEvent }[] = [];
  for (;;) {
    let oldest: { queue: (typeof queues)[number]; event: ClientEvent } | undefined;
    for (const queue of queues) {
      const event = queue.timeline[queue.next];
      if (event !== undefined && (oldest === undefined || sentAt(event) < sentAt(oldest.event)))
        oldest = { queue, event };
    }
    if (oldest === undefined) return merged;
    oldest.queue.next += 1;
    merged.push({ roomId: oldest.queue.roomId, event: oldest.event });
  }
}

function toRoomTimeline(roomId: RoomId, { timeline }: RoomUpdate): RoomTimeline {
  return {
    roomId,
    // Aliases events were never part of the legacy stream.
    timeline: eventsOf(timeline).filter(({ type }) => type !== 'm.room.aliases'),
    isWhole: timeline?.limited !== true,
  };
}

function toLeftTimeline(roomId: RoomId, room: RoomUpdate, userId: UserId): RoomTimeline {
  const leave = eventsOf(room.timeline).findLast((event) => isMembershipOf(userId, event))?.event_id;
  return { ...toRoomTimeline(roomId, room), ...(leave !== undefined && { lastVisible: leave }) };
}

function toPendingRooms({ rooms }: SyncResponse): PendingRoom[] {
  return [
    ...roomsOf(rooms?.invite).map(([roomId, room]) => ({
      roomId,
      membership: 'invite' as const,
      strippedState: eventsOf(room.invite_state),
    })),
    ...roomsOf(rooms?.knock).map(([roomId, room]) => ({
      roomId,
      membership: 'knock' as const,
      strippedState: eventsOf(room.knock_state),
    })),
  ];
}

function toRoomEphemeral(joined: [RoomId, RoomUpdate][], wanted: string): LegacyEphemeralEvent[] {
  return joined.flatMap(([roomId, room]) => {
    const events = eventsOf(room.ephemeral).filter(({ type }) => type === wanted);
    return events.map(({ type, content }) => ({ type, room_id: roomId, content: content ?? {} }));
  });
}

/** Tags, then global, then the rooms' other account data; of push rules nothing, as they have an API of their own. */
function toAccountData(sync: SyncResponse, rooms: [RoomId, RoomUpdate][]): LegacyEphemeralEvent[] {
  const ofRooms = rooms.flatMap(([roomId, room]) =>
    eventsOf(room.account_data).map(({ type, content }) => ({
      type,
      content: content ?? {},
      room_id: roomId,
    })),
  );
  const global = eventsOf(sync.account_data).filter(({ type }: EphemeralEvent) => type !== 'm.push_rules');
  return [
    ...ofRooms.filter(({ type }) => type === 'm.tag'),
    ...global.map(({ type, content }) => ({ type, content: content ?? {} })),
    ...ofRooms.filter(({ type }) => type !== 'm.tag'),
  ];
}

const sentAt = (event: ClientEvent): number => event.origin_server_ts ?? 0;

/** By code units, which is the same on every replica, whatever its locale. */
function byRoomId(a: { roomId: RoomId }, b: { roomId: RoomId }): number {
  if (a.roomId === b.roomId) return 0;
  return a.roomId < b.roomId ? -1 : 1;
}
