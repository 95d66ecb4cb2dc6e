// Reading rooms: state, members, history, directory.

import type { SandboxHomeserver } from '../homeserver.ts';
import type { ClientEvent, JsonObject } from '../../matrix/client-event.ts';
import { invalidParam, MatrixError } from '../../matrix/errors.ts';
import type { EventId, RoomId, UserId } from '../../matrix/identifiers.ts';
import { readLimit } from '../../matrix/query.ts';
import { type Reader, toContextResponse, toMessagesResponse, toShownEvent } from '../messages.ts';
import { forbidden } from '../permissions.ts';
import type { Room } from '../room.ts';
import { type StoredEvent, toClientEvent } from '../stored-event.ts';
import { type EventTest, parseFilter, readEventTest } from '../sync-filter.ts';
import { decodeToken, type Position } from '../tokens.ts';
import { type Access, isVisible, readAccess } from '../visibility.ts';
import { type Call, get, type Route } from './route.ts';

export function readingRoutes(homeserver: SandboxHomeserver): Route[] {
  const open = ({
    session,
    params,
  }: Call): { room: Room; reader: Reader & { access: Access }; until: number } => {
    const room = homeserver.rooms.get(params['roomId'] as RoomId);
    const access = readAccess(session.user, room, params['roomId'] ?? '');
    const leave = access === 'left' ? room?.membershipEvent(session.user.userId)?.stream : undefined;
    const reader = { user: session.user, deviceId: session.deviceId, access };
    return { room: room as Room, reader, until: leave ?? Infinity };
  };
  const show = (event: StoredEvent, { deviceId }: Reader): ClientEvent =>
    toClientEvent(event, { deviceId }, homeserver.nowMs);

  const getState = (call: Call): unknown => {
    const { room, reader, until } = open(call);
    const { type = '', stateKey = '' } = call.params;
    const event = room.stateEvent(type, stateKey, until);
    if (event === undefined) throw noSuchEvent();
    return call.query.get('format') === 'event' ? show(event, reader) : event.content;
  };
  const read = (path: string, handle: Route['handle']): Route =>
    get(`/rooms/:roomId/${path}`, handle, 'guests too');

  return [
    read('state', (call) => {
      const { room, reader, until } = open(call);
      return room.stateAt(until).map((event) => show(event, reader));
    }),
    read('state/:type', getState),
    read('state/:type/:stateKey', getState),
    read('members', (call) => {
      const { room, reader, until } = open(call);
      const members = room.stateAt(until).filter(({ type }) => type === 'm.room.member');
      return { chunk: members.map((event) => show(event, reader)) };
    }),
    get('/rooms/:roomId/joined_members', (call) => {
      const { room, reader } = open(call);
      if (reader.access === 'left') throw forbidden(`User ${reader.user.userId} not in room ${room.roomId}`);
      const profileOf = (userId: UserId): JsonObject => {
        const { displayname, avatar_url: avatarUrl } = room.membershipEvent(userId)?.content ?? {};
        return { display_name: displayname ?? null, avatar_url: avatarUrl ?? null };
      };
      return {
        joined: Object.fromEntries(room.usersWho('join').map((userId) => [userId, profileOf(userId)])),
      };
    }),
    read('messages', (call) => {
      const { room, reader } = open(call);
      const dir = call.query.get('dir') ?? 'f';
      if (dir !== 'f' && dir !== 'b') throw invalidParam("Query parameter 'dir' must be one of ['b', 'f']");
      return toMessagesResponse(homeserver, room, reader, {
        dir,
        from: readPosition(call, 'from'),
        to: readPosition(call, 'to'),
        limit: readLimit(call.query, 10),
        passes: readFilter(call),
      });
    }),
    // Whether an event may be seen is asked of the event, not of the room.
    read('context/:eventId', (call) => {
      const room = findEventsRoom(call);
      return toContextResponse(homeserver, room, call.session, {
        eventId: call.params['eventId'] as EventId,
        limit: readLimit(call.query, 10),
        passes: readFilter(call),
      });
    }),
    read('event/:eventId', (call) => {
      const { session, params } = call;
      const room = findEventsRoom(call);
      const event = homeserver.events.get(params['eventId'] as EventId);
      const isPeeking = room.membership(session.user.userId) !== 'join';
      if (event?.roomId !== room.roomId || !isVisible(event, room, session.user, isPeeking))
        throw noSuchEvent();
      return toShownEvent(homeserver, room, session, event);
    }),
    get('/_matrix/client/v1/room_summary/:roomId', summary, 'guests too'),
  ];

  function findEventsRoom({ params }: Call): Room {
    const room = homeserver.rooms.get(params['roomId'] as RoomId);
    if (room === undefined) throw noSuchEvent();
    return room;
  }

  function summary({ session, params }: Call): object {
    const room = homeserver.rooms.get(params['roomId'] as RoomId);
    const membership = room?.membership(session.user.userId);
    const isOpen =
      membership !== 'leave' ||
      room?.contentOf('m.room.join_rules', 'join_rule') === 'public' ||
      room?.historyVisibility() === 'world_readable';
    if (room === undefined || !isOpen) throw new MatrixError(404, 'M_NOT_FOUND', 'Room not found');
    return { ...toSummary(room), membership };
  }
}

const noSuchEvent = (): MatrixError => new MatrixError(404, 'M_NOT_FOUND', 'Event not found.');

/** An empty token is none. */
function readPosition({ query }: Call, name: 'from' | 'to'): Position | undefined {
  const token = query.get(name);
  return token === null || token === '' ? undefined : decodeToken(token, `'${name}' parameter is invalid`);
}

function readFilter({ query }: Call): EventTest {
  const filter = query.get('filter');
  return readEventTest(filter === null ? {} : parseFilter(filter));
}

/** Makes what the directory and a summary tell of a room. */
export function toSummary(room: Room): JsonObject {
  const guestAccess = room.contentOf('m.room.guest_access', 'guest_access');
  const told: JsonObject = {
    room_id: room.roomId,
    name: room.contentOf('m.room.name', 'name'),
    topic: room.contentOf('m.room.topic', 'topic'),
    canonical_alias: room.contentOf('m.room.canonical_alias', 'alias'),
    join_rule: room.contentOf('m.room.join_rules', 'join_rule'),
    num_joined_members: room.usersWho('join').length,
    world_readable: room.historyVisibility() === 'world_readable',
    guest_can_join: guestAccess === 'can_join',
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}
