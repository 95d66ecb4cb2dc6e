// GET /sync, from the model alone: what a user is told of all that happened after a position.

import type { ClientEvent, EphemeralEvent } from '../matrix/client-event.ts';
import type { DeviceId, MessagesToken, Milliseconds, RoomId } from '../matrix/identifiers.ts';
import type { EventBatch, InvitedRoom, KnockedRoom, RoomUpdate, SyncResponse } from '../matrix/sync.ts';
import { accountDataEvents, ephemeralEvents, presenceEvents } from './sync-extras.ts';
import type { SandboxHomeserver } from './homeserver.ts';
import type { Room } from './room.ts';
import { type StoredEvent, toStrippedEvent, toSyncEvent } from './stored-event.ts';
import type { SyncFilter } from './sync-filter.ts';
import { encodeSyncToken } from './tokens.ts';
import type { User } from './user.ts';
import { isVisible, membershipAt } from './visibility.ts';

export interface SyncRequest {
  user: User;
  deviceId: DeviceId;
  /** Undefined: from the beginning. */
  since: number | undefined;
  filter: SyncFilter;
}

/** The sections that clients are always sent, here never absent. */
export interface WholeSyncResponse extends SyncResponse {
  account_data: EventBatch<EphemeralEvent> & { events: EphemeralEvent[] };
  presence: { events: EphemeralEvent[] };
  to_device: { events: ClientEvent[] };
  rooms: {
    join: Record<RoomId, RoomUpdate>;
    invite: Record<RoomId, InvitedRoom>;
    knock: Record<RoomId, KnockedRoom>;
    leave: Record<RoomId, RoomUpdate>;
  };
}

/**
 * What happened after `since`, to `next_batch`. Timelines are in order of arrival, and `state` is that before them.
 *
 * @see matrix-spec data/api/client-server/sync.yaml, reference/native.md §7.1
 */
export function toSyncResponse(homeserver: SandboxHomeserver, request: SyncRequest): WholeSyncResponse {
  const { user, since, filter } = request;
  const { stream: now, nowMs } = homeserver;
  const rooms = { join: {}, invite: {}, knock: {}, leave: {} } as WholeSyncResponse['rooms'];
  const shared = new Set<Room>();
  for (const room of filter.hidesAllRooms ? [] : user.rooms) {
    const change = changeOf(room, request);
    if (change === undefined) continue;
    const { section, event, isNew } = change;
    if (section === 'invite' || section === 'knock') {
      const events = [...aboutRoom(room), event].map(toStrippedEvent);
      if (section === 'invite') rooms.invite[room.roomId] = { invite_state: { events } };
      else rooms.knock[room.roomId] = { knock_state: { events } };
    } else if (filter.wantsRoom(room.roomId)) {
      const window = { after: since ?? -1, until: section === 'join' ? now : event.stream, isNew };
      if (section === 'join' && isNew) shared.add(room);
      const update = toRoomUpdate(room, request, window, nowMs);
      if (section === 'leave') delete update.ephemeral;
      if (isNew || hasContent(update) || section === 'leave') rooms[section][room.roomId] = update;
    }
  }
  return {
    next_batch: encodeSyncToken(now),
    account_data: { events: accountDataEvents(user.accountData, since).filter(filter.accountData) },
    presence: { events: presenceEvents(homeserver, user, since, shared).filter(filter.presence) },
    to_device: { events: (user.toDevice.get(request.deviceId) ?? []).map(({ value }) => value) },
    rooms,
  };
}

/** Whether an answer tells anything: a poll with nothing to tell goes on waiting. */
export function hasNews({ account_data, presence, to_device, rooms }: WholeSyncResponse): boolean {
  return (
    account_data.events.length + presence.events.length + to_device.events.length > 0 ||
    Object.values(rooms).some((section) => Object.keys(section).length > 0)
  );
}

interface RoomChange {
  section: 'join' | 'invite' | 'knock' | 'leave';
  /** The membership event that stands. */
  event: StoredEvent;
  /** Nothing of the room is known: it was joined, or everything is asked for. */
  isNew: boolean;
}

/** In which section a room belongs; undefined where it is not to be told of. */
function changeOf(room: Room, { user, since, filter }: SyncRequest): RoomChange | undefined {
  const event = room.membershipEvent(user.userId);
  if (event === undefined) return undefined;
  const membership = room.membership(user.userId);
  if (membership === 'join') return { section: 'join', event, isNew: isNewlyJoined(room, user, since) };
  const isOld = since !== undefined && event.stream <= since;
  if (isOld || user.forgotten.has(room.roomId)) return undefined;
  if (membership === 'invite' || membership === 'knock') return { section: membership, event, isNew: false };
  // From the beginning, only what others did to the user is told unasked.
  const isOwnLeave = membership === 'leave' && event.sender === user.userId;
  if (since === undefined && isOwnLeave && !filter.includeLeave) return undefined;
  return { section: 'leave', event, isNew: false };
}

/** Joined or rejoined after `since`: changes of a member's profile are no joins. */
function isNewlyJoined(room: Room, user: User, since: number | undefined): boolean {
  if (since === undefined || room.membership(user.userId, since) !== 'join') return true;
  return room.membershipChanges(user.userId, since).some((event) => event.content['membership'] !== 'join');
}

interface Window {
  after: number;
  until: number;
  isNew: boolean;
}

function toRoomUpdate(room: Room, request: SyncRequest, window: Window, nowMs: Milliseconds): RoomUpdate {
  const { user, since, filter, deviceId } = request;
  const { events, limited } = recentEvents(room, request, window);
  const first = events[0];
  const startsAfter = first === undefined ? window.until : first.stream - 1;
  const isWhole = window.isNew || since === undefined;
  const state = isWhole ? room.stateAt(startsAfter) : room.stateChanges(window.after, startsAfter);
  const known = isWhole ? undefined : since;
  const prevBatch = encodeSyncToken(since === undefined && !limited ? window.until : startsAfter);
  return {
    timeline: {
      events: events.map((event) =>
        toSyncEvent(event, { deviceId, membership: membershipAt(event, room, user.userId) }, nowMs),
      ),
      limited,
      // Of a whole room it is *now*, from where the timeline comes again: so does Synapse.
      prev_batch: prevBatch as string as MessagesToken,
    },
    state: {
      events: state
        .filter((event) => filter.state(event))
        .map((event) => toSyncEvent(event, { deviceId }, nowMs)),
    },
    ephemeral: { events: ephemeralEvents(room, user, known).filter(filter.ephemeral) },
    account_data: {
      events: accountDataEvents(user.roomAccountData.get(room.roomId), known).filter(filter.roomAccountData),
    },
  };
}

/** The newest events that the user may see, oldest first; of a new room they reach back before `since`. */
function recentEvents(
  room: Room,
  { user, since, filter }: SyncRequest,
  { after, until, isNew }: Window,
): { events: StoredEvent[]; limited: boolean } {
  const { byArrival } = room.timeline;
  const oldest = isNew ? -1 : onlyOwnLeave(room, user, since, until) ? until - 1 : after;
  const events: StoredEvent[] = [];
  const isLimited = isNew && since !== undefined;
  for (let at = room.timeline.arrivedUntil(until) - 1; at >= 0; at -= 1) {
    const event = byArrival[at];
    if (event === undefined || event.stream <= oldest) break;
    if (!filter.timeline(event) || !isVisible(event, room, user)) continue;
    if (events.length >= filter.timelineLimit) return { events: events.toReversed(), limited: true };
    events.push(event);
  }
  return { events: events.toReversed(), limited: isLimited };
}

/** Who was in the room at no time since then sees only that the invitation, or the ban, has ended. */
function onlyOwnLeave(room: Room, user: User, since: number | undefined, until: number): boolean {
  if (since === undefined || room.membership(user.userId, since) === 'join') return false;
  const changes = room.membershipChanges(user.userId, since);
  return !changes.some((event) => event.stream <= until && event.content['membership'] === 'join');
}

function hasContent({ timeline, state, ephemeral, account_data }: RoomUpdate): boolean {
  return (
    timeline?.limited === true ||
    [timeline, state, ephemeral, account_data].some((batch) => (batch?.events ?? []).length > 0)
  );
}

const SHOWN_TO_INVITED = ['create', 'join_rules', 'name', 'topic', 'avatar', 'canonical_alias', 'encryption'];

/** The state that tells an invited user what the room is. */
function aboutRoom(room: Room): StoredEvent[] {
  return SHOWN_TO_INVITED.flatMap((name) => room.stateEvent(`m.room.${name}`, '') ?? []);
}
