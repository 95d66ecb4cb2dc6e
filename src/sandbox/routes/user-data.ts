// What belongs to one user: account data, tags, filters, profile, presence, push rules, notifications, to-device messages.

import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';
import { forbidden } from '../permissions.ts';
import { toClientEvent } from '../stored-event.ts';
import { toPresenceContent } from '../sync-extras.ts';
import type { Presence, User } from '../user.ts';
import { type Call, readText, type Route, type Served } from './route.ts';
import { mustBeOwn } from './sending.ts';
import { findFilter } from './sync.ts';

export function userDataRoutes(served: Served): Route[] {
  return [
    ...accountDataRoutes(served),
    ...tagRoutes(served),
    ...profileRoutes(served),
    ...presenceRoutes(served),
    ...otherRoutes(served),
  ];
}

const notFound = (words: string): MatrixError => new MatrixError(404, 'M_NOT_FOUND', words);

function accountDataRoutes({ homeserver }: Served): Route[] {
  const read = (call: Call): JsonObject => {
    mustBeOwn(call);
    const { user } = call.session;
    const { type = '', roomId } = call.params;
    const all = roomId === undefined ? user.accountData : user.roomAccountData.get(roomId as RoomId);
    const data = all?.get(type)?.value;
    if (data === undefined) throw notFound('Account data not found');
    return data;
  };
  const write = (call: Call): object => {
    mustBeOwn(call);
    const { type = '', roomId } = call.params;
    if (type === 'm.fully_read' || type === 'm.push_rules')
      throw new MatrixError(405, 'M_BAD_JSON', `Cannot set ${type} through this API.`);
    homeserver.setAccountData(call.session.user.userId, type, call.body, roomId as RoomId | undefined);
    return {};
  };
  return ['/user/:userId/account_data/:type', '/user/:userId/rooms/:roomId/account_data/:type'].flatMap(
    (path): Route[] => [
      { method: 'GET', path, handle: read },
      { method: 'PUT', path, handle: write },
    ],
  );
}

function tagRoutes({ homeserver }: Served): Route[] {
  const tagsOf = ({ session, params }: Call): JsonObject => {
    const data = session.user.roomAccountData.get(params['roomId'] as RoomId)?.get('m.tag');
    return (data?.value['tags'] ?? {}) as JsonObject;
  };
  const write = (call: Call, tags: JsonObject): object => {
    mustBeOwn(call);
    homeserver.setAccountData(call.session.user.userId, 'm.tag', { tags }, call.params['roomId'] as RoomId);
    return {};
  };
  const path = '/user/:userId/rooms/:roomId/tags';
  return [
    { method: 'GET', path, handle: (call) => ({ tags: tagsOf(call) }) },
    {
      method: 'PUT',
      path: `${path}/:tag`,
      handle: (call) => write(call, { ...tagsOf(call), [call.params['tag'] ?? '']: call.body }),
    },
    {
      method: 'DELETE',
      path: `${path}/:tag`,
      handle: (call) => {
        const others = Object.entries(tagsOf(call)).filter(([tag]) => tag !== call.params['tag']);
        return write(call, Object.fromEntries(others));
      },
    },
  ];
}

function profileRoutes({ homeserver }: Served): Route[] {
  const find = ({ params }: Call): User => {
    const user = homeserver.users.get(params['userId'] as UserId);
    if (user === undefined) throw notFound('Profile was not found');
    return user;
  };
  const field = (name: 'displayname' | 'avatar_url'): Route[] => [
    {
      method: 'GET',
      path: `/profile/:userId/${name}`,
      who: 'anybody',
      handle: (call) => {
        const value = find(call).profile[name];
        return value === undefined ? {} : { [name]: value };
      },
    },
    {
      method: 'PUT',
      path: `/profile/:userId/${name}`,
      who: 'guests too',
      handle: (call) => {
        mustBeOwn(call);
        const { user } = call.session;
        user.profile = { ...user.profile, [name]: readText(call.body, name) };
        for (const { roomId } of user.joinedRooms()) homeserver.join(user.userId, roomId);
        return {};
      },
    },
  ];
  return [
    { method: 'GET', path: '/profile/:userId', who: 'anybody', handle: (call) => find(call).profile },
    ...field('displayname'),
    ...field('avatar_url'),
  ];
}

function presenceRoutes({ homeserver }: Served): Route[] {
  const path = '/presence/:userId/status';
  return [
    {
      method: 'GET',
      path,
      who: 'guests too',
      handle: ({ session: { user }, params }) => {
        const userId = params['userId'] as UserId;
        if (userId !== user.userId && !user.sharesRoomWith(userId))
          throw forbidden('You are not allowed to see their presence.');
        return toPresenceContent(homeserver.users.get(userId)?.presence, homeserver.nowMs);
      },
    },
    {
      method: 'PUT',
      path,
      handle: (call) => {
        mustBeOwn(call);
        const presence = readText(call.body, 'presence') as Presence['presence'];
        const message = call.body['status_msg'];
        homeserver.setPresence(
          call.session.user.userId,
          presence,
          typeof message === 'string' ? message : undefined,
        );
        return {};
      },
    },
  ];
}

function otherRoutes({ homeserver }: Served): Route[] {
  const pushRules = ({ session }: Call): JsonObject =>
    session.user.accountData.get('m.push_rules')?.value ?? {};
  return [
    {
      method: 'POST',
      path: '/user/:userId/filter',
      who: 'guests too',
      handle: (call) => {
        mustBeOwn(call);
        return { filter_id: String(call.session.user.filters.push(call.body) - 1) };
      },
    },
    {
      method: 'GET',
      path: '/user/:userId/filter/:filterId',
      who: 'guests too',
      handle: ({ session, params }) => findFilter(session.user, params['filterId'] ?? ''),
    },
    { method: 'GET', path: '/pushrules', handle: pushRules },
    { method: 'GET', path: '/pushrules/', handle: pushRules },
    {
      // Any rule, as it comes: what it does is nobody's business here, but that rules changed is told in /sync.
      method: 'PUT',
      path: '/pushrules/global/:kind/:ruleId',
      handle: (call) => {
        const { kind = '', ruleId = '' } = call.params;
        const global = pushRules(call)['global'] as Record<string, JsonObject[]>;
        const rule = { rule_id: ruleId, default: false, enabled: true, ...call.body };
        const others = (global[kind] ?? []).filter((each) => each['rule_id'] !== ruleId);
        const rules = { global: { ...global, [kind]: [rule, ...others] } };
        homeserver.setAccountData(call.session.user.userId, 'm.push_rules', rules);
        return {};
      },
    },
    {
      // Invites alone, newest first.
      method: 'GET',
      path: '/notifications',
      handle: ({ session: { user, deviceId }, query }) => {
        const start = Number(query.get('from') ?? 0);
        const end = start + Number(query.get('limit') ?? 50);
        const page = user.invites.toReversed().slice(start, end);
        return {
          notifications: page.map((event) => ({
            room_id: event.roomId,
            event: toClientEvent(event, { deviceId }, homeserver.nowMs),
            ts: event.sentAt,
            actions: ['notify'],
            read: false,
            profile_tag: null,
          })),
          ...(end < user.invites.length && { next_token: String(end) }),
        };
      },
    },
    {
      method: 'PUT',
      path: '/sendToDevice/:type/:transactionId',
      handle: ({ session, params, body }) => {
        const messages = body['messages'] as Record<UserId, Record<string, JsonObject>>;
        for (const [userId, devices] of Object.entries(messages) as [UserId, Record<string, JsonObject>][])
          for (const [deviceId, content] of Object.entries(devices))
            homeserver.sendToDevice(session.user.userId, userId, deviceId, {
              type: params['type'] ?? '',
              content,
            });
        return {};
      },
    },
  ];
}
