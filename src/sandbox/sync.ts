// GET /sync, from the model alone: what a user is told of all that happened after a position.

import type { ClientEvent, EphemeralEvent } from '../matrix/client-event.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import type { InvitedRoom, KnockedRoom, RoomUpdate, SyncResponse } from '../matrix/sync.ts';
import type { SandboxHomeserver } from './homeserver.ts';
import type { Room } from './room.ts';
import { type StoredEvent, toStrippedEvent } from './stored-event.ts';
import { accountDataEvents, presenceEvents } from './sync-extras.ts';
import { hasContent, type SyncRequest, toRoomUpdate } from './sync-room.ts';
import { encodeSyncToken } from './tokens.ts';

/** The sections that clients are always sent, here never absent. */
export interface WholeSyncResponse extends SyncResponse {
  account_data: { events: EphemeralEvent[] };
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
 * Tells what happened after `since`, up to `next_batch`. Timelines are in the order of arrival, and `state` is the
 * state before them.
 *
 *
 * @see docs/reference/synapse-legacy.md#sync
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/sync.yaml
 */
export function toSyncResponse(homeserver: SandboxHomeserver, request: SyncRequest): WholeSyncResponse {
  const { user, since, filter } = request;
  const { stream: now } = homeserver;
  const rooms: WholeSyncResponse['rooms'] = { join: {}, invite: {}, knock: {}, leave: {} };
  const newRooms = new Set<Room>();
  const isNothingAsked = filter.hidesAllRooms && since === undefined;
  for (const room of isNothingAsked ? [] : user.rooms) {
    const membership = room.membership(user.userId);
    const event = room.membershipEvent(user.userId);
    if (membership === 'join') tellJoined(room);
    else tellLeft(room);
    if (event === undefined || event.stream <= (since ?? -1)) continue;
    // A filter of rooms hides no invites.
    if (membership === 'invite') rooms.invite[room.roomId] = { invite_state: aboutRoom(room, event) };
    if (membership === 'knock') rooms.knock[room.roomId] = { knock_state: aboutRoom(room, event) };
  }
  return {
    next_batch: encodeSyncToken(now),
    account_data: { events: accountDataEvents(user.accountData, since).filter(filter.accountData) },
    presence: { events: presenceEvents(homeserver, user, since, newRooms).filter(filter.presence) },
    to_device: { events: (user.toDevice.get(request.deviceId) ?? []).map(({ value }) => value) },
    rooms,
  };

  function tellJoined(room: Room): void {
    const isNew = isNewlyJoined(room, user.userId, since);
    if (isNew) newRooms.add(room);
    if (!filter.wantsRoom(room.roomId)) return;
    const update = toRoomUpdate(room, request, { until: now, isNew }, homeserver.nowMs);
    if (isNew || hasContent(update)) rooms.join[room.roomId] = update;
  }

  /**
   * Tells a room up to the user's last leave or ban, whatever came then: somebody who was invited anew is told both.
   */
  function tellLeft(room: Room): void {
    const leave = lastLeave(room, request);
    if (leave === undefined || !filter.wantsRoom(room.roomId)) return;
    const isNew = since === undefined || hasJoinedAndLeft(room, user.userId, since);
    const window = { until: leave.stream, isNew };
    const { ephemeral: _, ...update } = toRoomUpdate(room, request, window, homeserver.nowMs);
    rooms.leave[room.roomId] = update;
  }
}

/** Whether an answer tells anything: a poll with nothing to tell goes on waiting. */
export function hasNews({ account_data, presence, to_device, rooms }: WholeSyncResponse): boolean {
  return (
    account_data.events.length + presence.events.length + to_device.events.length > 0 ||
    Object.values(rooms).some((section) => Object.keys(section).length > 0)
  );
}

/** Joined or rejoined after `since`: changes of a member's profile are no joins. */
function isNewlyJoined(room: Room, userId: UserId, since: number | undefined): boolean {
  if (since === undefined || room.membership(userId, since) !== 'join') return true;
  return room.membershipChanges(userId, since).some((event) => event.content['membership'] !== 'join');
}

/** Whether somebody who is out now, and was out at `since`, was in between. */
function hasJoinedAndLeft(room: Room, userId: UserId, since: number): boolean {
  if (room.membership(userId, since) === 'join') return false;
  return room.membershipChanges(userId, since).some((event) => event.content['membership'] === 'join');
}

/** The leave or ban that a user is to be told of; undefined where there is none. */
function lastLeave(room: Room, { user, since, filter }: SyncRequest): StoredEvent | undefined {
  const isLeave = ({ content }: StoredEvent) =>
    content['membership'] === 'leave' || content['membership'] === 'ban';
  if (since !== undefined) return room.membershipChanges(user.userId, since).findLast(isLeave);
  const event = room.membershipEvent(user.userId);
  if (event === undefined || !isLeave(event) || user.forgotten.has(room.roomId)) return undefined;
  // From the beginning, only what others did to the user is told unasked.
  return event.sender === user.userId && !filter.includeLeave ? undefined : event;
}

const SHOWN_TO_INVITED = ['create', 'join_rules', 'name', 'topic', 'avatar', 'canonical_alias', 'encryption'];

/** The stripped state that tells an outsider what the room is and who invites; the own membership comes last. */
function aboutRoom(room: Room, event: StoredEvent): { events: ReturnType<typeof toStrippedEvent>[] } {
  const shown = SHOWN_TO_INVITED.map((name) => room.stateEvent(`m.room.${name}`, ''));
  const inviter = event.sender === event.stateKey ? undefined : room.membershipEvent(event.sender);
  const events = [...shown, inviter, event].filter((each) => each !== undefined);
  return { events: events.map(toStrippedEvent) };
}
