// Making rooms, and coming and going.

import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';
import type { RoomOptions } from '../new-room.ts';
import { mustBeAbleToSetMembership } from '../permissions.ts';
import type { Membership } from '../room.ts';
import { type Call, findRoom, readText, type Route, type Served } from './route.ts';

export function membershipRoutes({ homeserver }: Served): Route[] {
  const change = ({ session, body }: Call, roomId: string | undefined, target: UserId, to: Membership) => {
    const room = findRoom(homeserver, roomId);
    mustBeAbleToSetMembership(room, session.user, target, to);
    if (to === 'join' && room.membership(target) === 'join') return room;
    const reason: JsonObject = typeof body['reason'] === 'string' ? { reason: body['reason'] } : {};
    homeserver.setMembership(session.user.userId, room.roomId, target, to, reason);
    return room;
  };
  const own = (name: string, to: Membership): Route => ({
    method: 'POST',
    path: `/rooms/:roomId/${name}`,
    who: 'guests too',
    handle: (call) => {
      const { roomId } = change(call, call.params['roomId'], call.session.user.userId, to);
      return to === 'join' ? { room_id: roomId } : {};
    },
  });
  const others = (name: string, to: Membership): Route => ({
    method: 'POST',
    path: `/rooms/:roomId/${name}`,
    handle: (call) => {
      change(call, call.params['roomId'], readText(call.body, 'user_id') as UserId, to);
      return {};
    },
  });
  const byIdOrAlias = (name: string, to: Membership): Route => ({
    method: 'POST',
    path: `/${name}/:roomIdOrAlias`,
    who: 'guests too',
    handle: (call) => {
      const given = call.params['roomIdOrAlias'] ?? '';
      const roomId = given.startsWith('#') ? homeserver.aliases.get(given) : given;
      return { room_id: change(call, roomId, call.session.user.userId, to).roomId };
    },
  });
  return [
    {
      method: 'POST',
      path: '/createRoom',
      handle: ({ session, body }) => {
        const options = body as RoomOptions;
        const alias = `#${options.room_alias_name}:${homeserver.serverName}`;
        if (options.room_alias_name !== undefined && homeserver.aliases.has(alias))
          throw new MatrixError(400, 'M_ROOM_IN_USE', 'Room alias already taken');
        if (!/^(?:[1-9]|1[0-2])$/.test(options.room_version ?? '12'))
          throw new MatrixError(
            400,
            'M_UNSUPPORTED_ROOM_VERSION',
            "Homeserver doesn't support this room version",
          );
        return { room_id: homeserver.createRoom(session.user.userId, options) };
      },
    },
    byIdOrAlias('join', 'join'),
    byIdOrAlias('knock', 'knock'),
    own('join', 'join'),
    own('leave', 'leave'),
    others('invite', 'invite'),
    others('kick', 'leave'),
    others('ban', 'ban'),
    others('unban', 'leave'),
    {
      method: 'POST',
      path: '/rooms/:roomId/forget',
      handle: ({ session: { user }, params }) => {
        const room = findRoom(homeserver, params['roomId']);
        if (room.membership(user.userId) === 'join')
          throw new MatrixError(400, 'M_UNKNOWN', `User ${user.userId} is in room ${room.roomId}`);
        homeserver.forget(user.userId, room.roomId);
        return {};
      },
    },
    {
      method: 'GET',
      path: '/joined_rooms',
      handle: ({ session }) => ({
        joined_rooms: session.user.joinedRooms().map(({ roomId }): RoomId => roomId),
      }),
    },
  ];
}
