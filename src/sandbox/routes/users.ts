// What users tell each other outside rooms, and what they are told: profile, presence, to-device messages, notifications.

import type { SandboxHomeserver } from '../homeserver.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { UserId } from '../../matrix/identifiers.ts';
import { forbidden } from '../permissions.ts';
import { toSyncEvent } from '../stored-event.ts';
import { toPresenceContent } from '../sync-extras.ts';
import type { Presence, User } from '../user.ts';
import { type Call, get, put, readText, type Route } from './route.ts';
import { mustBeOwn } from './sending.ts';

const DEFAULT_NOTIFICATIONS = 50;

export function userRoutes(homeserver: SandboxHomeserver): Route[] {
  return [
    get('/profile/:userId', (call) => find(call).profile, 'anybody'),
    ...profileField('displayname'),
    ...profileField('avatar_url'),
    get('/presence/:userId/status', getPresence, 'guests too'),
    put('/presence/:userId/status', (call) => {
      mustBeOwn(call);
      const { status_msg: message } = call.body;
      const presence = readText(call.body, 'presence') as Presence['presence'];
      homeserver.setPresence(
        call.session.user.userId,
        presence,
        typeof message === 'string' ? message : undefined,
      );
      return {};
    }),
    put('/sendToDevice/:type/:transactionId', ({ session, params, body }) => {
      const messages = (body['messages'] ?? {}) as Record<UserId, Record<string, JsonObject>>;
      for (const [userId, devices] of Object.entries(messages))
        for (const [deviceId, content] of Object.entries(devices)) {
          const message = { type: params['type'] ?? '', content };
          homeserver.sendToDevice(session.user.userId, userId as UserId, deviceId, message);
        }
      return {};
    }),
    get('/notifications', getNotifications),
  ];

  function profileField(name: 'displayname' | 'avatar_url'): Route[] {
    const path = `/profile/:userId/${name}`;
    const change = (call: Call): object => {
      mustBeOwn(call);
      const { user } = call.session;
      user.profile = { ...user.profile, [name]: readText(call.body, name) };
      for (const { roomId } of user.joinedRooms()) homeserver.join(user.userId, roomId);
      return {};
    };
    return [
      get(path, (call) => ({ [name]: find(call).profile[name] }), 'anybody'),
      put(path, change, 'guests too'),
    ];
  }

  function find({ params }: Call): User {
    const user = homeserver.users.get(params['userId'] as UserId);
    if (user === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'Profile was not found');
    return user;
  }

  function getPresence({ session: { user }, params }: Call): JsonObject {
    const userId = params['userId'] as UserId;
    if (userId !== user.userId && !user.sharesRoomWith(userId))
      throw forbidden('You are not allowed to see their presence.');
    return toPresenceContent(homeserver.users.get(userId)?.presence, homeserver.nowMs);
  }

  /** Invites alone, newest first. */
  function getNotifications({ session: { user, deviceId }, query }: Call): object {
    const start = Number(query.get('from') ?? 0);
    const end = start + Number(query.get('limit') ?? DEFAULT_NOTIFICATIONS);
    const notifications = user.invites
      .toReversed()
      .slice(start, end)
      .map((event) => ({
        room_id: event.roomId,
        event: toSyncEvent(event, { deviceId }, homeserver.nowMs),
        ts: event.sentAt,
        actions: ['notify'],
        read: false,
        profile_tag: null,
      }));
    return { notifications, ...(end < user.invites.length && { next_token: String(end) }) };
  }
}
