// Saying things: messages, state, redactions, typing, receipts.

import type { JsonObject } from '../../matrix/client-event.ts';
import type { EventId, RoomId, UserId } from '../../matrix/identifiers.ts';
import type { NewEvent } from '../homeserver.ts';
import {
  forbidden,
  mustBeAbleToRedact,
  mustBeAbleToSend,
  mustBeAbleToSetMembership,
} from '../permissions.ts';
import type { Membership } from '../room.ts';
import { type Call, findRoom, readText, type Route, type Served } from './route.ts';

export function sendingRoutes({ homeserver }: Served): Route[] {
  // Device, path and transaction id → the event that was made then.
  const sent = new Map<string, EventId>();
  const once = (call: Call, send: (transaction: NewEvent['transaction'] & object) => EventId) => {
    const { session, params } = call;
    const key = JSON.stringify([session.user.userId, session.deviceId, params]);
    const eventId = sent.get(key) ?? send({ deviceId: session.deviceId, id: params['transactionId'] ?? '' });
    sent.set(key, eventId);
    return { event_id: eventId };
  };
  const memberOf = ({ session, params }: Call) => {
    const room = findRoom(homeserver, params['roomId']);
    if (room.membership(session.user.userId) !== 'join')
      throw forbidden(`User ${session.user.userId} not in room ${room.roomId}`);
    return room;
  };

  const putState = ({ session, params, body }: Call) => {
    const { userId } = session.user;
    const room = findRoom(homeserver, params['roomId']);
    const [type, stateKey] = [params['type'] ?? '', params['stateKey'] ?? ''];
    if (type === 'm.room.member')
      mustBeAbleToSetMembership(
        room,
        session.user,
        stateKey as UserId,
        readText(body, 'membership') as Membership,
      );
    else mustBeAbleToSend(room, userId, type, true);
    return { event_id: homeserver.send(userId, room.roomId, { type, stateKey, content: body }).eventId };
  };

  return [
    {
      method: 'PUT',
      path: '/rooms/:roomId/send/:type/:transactionId',
      who: 'guests too',
      handle: (call) =>
        once(call, (transaction) => {
          const { session, params, body } = call;
          const room = findRoom(homeserver, params['roomId']);
          const type = params['type'] ?? '';
          mustBeAbleToSend(room, session.user.userId, type, false);
          const event = { type, content: body, transaction };
          return homeserver.send(session.user.userId, room.roomId, event).eventId;
        }),
    },
    {
      method: 'PUT',
      path: '/rooms/:roomId/redact/:eventId/:transactionId',
      handle: (call) =>
        once(call, (transaction) => {
          const { session, params, body } = call;
          const { userId } = session.user;
          const target = params['eventId'] as EventId;
          const room = findRoom(homeserver, params['roomId']);
          mustBeAbleToRedact(room, userId, homeserver.events.get(target)?.sender);
          return homeserver.redact(userId, room.roomId, target, { content: body, transaction }).eventId;
        }),
    },
    { method: 'PUT', path: '/rooms/:roomId/state/:type', handle: putState },
    { method: 'PUT', path: '/rooms/:roomId/state/:type/:stateKey', handle: putState },
    {
      method: 'PUT',
      path: '/rooms/:roomId/typing/:userId',
      handle: (call) => {
        const { roomId } = memberOf(call);
        const { typing, timeout } = call.body;
        mustBeOwn(call);
        const expiresMs = typeof timeout === 'number' ? timeout : undefined;
        homeserver.setTyping(call.session.user.userId, roomId, typing === true, expiresMs);
        return {};
      },
    },
    {
      method: 'POST',
      path: '/rooms/:roomId/receipt/:type/:eventId',
      handle: (call) => {
        const { roomId } = memberOf(call);
        const { type = 'm.read', eventId } = call.params;
        read(call, roomId, type, eventId, call.body['thread_id']);
        return {};
      },
    },
    {
      method: 'POST',
      path: '/rooms/:roomId/read_markers',
      handle: (call) => {
        const { roomId } = memberOf(call);
        for (const type of ['m.fully_read', 'm.read', 'm.read.private'])
          read(call, roomId, type, call.body[type]);
        return {};
      },
    },
  ];

  function read({ session }: Call, roomId: RoomId, type: string, eventId: unknown, threadId?: unknown): void {
    if (typeof eventId !== 'string') return;
    const { userId } = session.user;
    if (type === 'm.fully_read') {
      const content: JsonObject = { event_id: eventId };
      homeserver.setAccountData(userId, type, content, roomId);
    } else
      homeserver.sendReceipt(
        userId,
        roomId,
        eventId as EventId,
        type,
        typeof threadId === 'string' ? threadId : undefined,
      );
  }
}

/** Throws 403 where a path names another user than the caller. */
export function mustBeOwn({ session, params }: Call): void {
  if (params['userId'] !== session.user.userId) throw forbidden('Cannot act for other users');
}
