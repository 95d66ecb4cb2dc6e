// Making rooms, and coming and going.

import type { SandboxHomeserver } from '../homeserver.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { UserId } from '../../matrix/identifiers.ts';
import type { RoomOptions } from '../new-room.ts';
import { mustBeAbleToSetMembership } from '../permissions.ts';
import type { Membership } from '../room.ts';
import { type Call, findAlias, findRoom, get, post, readText, type Route } from './route.ts';

export function membershipRoutes(homeserver: SandboxHomeserver): Route[] {
  const change = ({ session, body }: Call, roomId: string | undefined, target: UserId, to: Membership) => {
    const room = findRoom(homeserver, roomId);
    mustBeAbleToSetMembership(room, session.user, target, to);
    if (to === 'join' && room.membership(target) === 'join') return room;
    const reason: JsonObject = typeof body['reason'] === 'string' ? { reason: body['reason'] } : {};
    homeserver.setMembership(session.user.userId, room.roomId, target, to, reason);
    return room;
  };
  const own = (path: string, to: Membership): Route =>
    post(
      path,
      (call) => {
        const given = call.params['roomId'] ?? '';
        const roomId = given.startsWith('#') ? findAlias(homeserver, given) : given;
        const room = change(call, roomId, call.session.user.userId, to);
        return to === 'leave' ? {} : { room_id: room.roomId };
      },
      'guests too',
    );
  const others = (path: string, to: Membership): Route =>
    post(path, (call) => {
      change(call, call.params['roomId'], readText(call.body, 'user_id') as UserId, to);
      return {};
    });
  return [
    post('/createRoom', ({ session, body }) => {
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
    }),
    own('/join/:roomId', 'join'),
    own('/knock/:roomId', 'knock'),
    own('/rooms/:roomId/join', 'join'),
    own('/rooms/:roomId/leave', 'leave'),
    others('/rooms/:roomId/invite', 'invite'),
    others('/rooms/:roomId/kick', 'leave'),
    others('/rooms/:roomId/ban', 'ban'),
    others('/rooms/:roomId/unban', 'leave'),
    post('/rooms/:roomId/forget', ({ session: { user }, params }) => {
      const room = findRoom(homeserver, params['roomId']);
      if (room.membership(user.userId) === 'join')
        throw new MatrixError(400, 'M_UNKNOWN', `User ${user.userId} is in room ${room.roomId}`);
      homeserver.forget(user.userId, room.roomId);
      return {};
    }),
    get('/joined_rooms', ({ session: { user } }) => ({
      joined_rooms: user.joinedRooms().map(({ roomId }) => roomId),
    })),
  ];
}
