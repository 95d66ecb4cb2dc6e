// Saying things: messages, state, redactions, typing, receipts.

import type { SandboxHomeserver } from '../homeserver.ts';
import type { EventId, RoomId, UserId } from '../../matrix/identifiers.ts';
import type { NewEvent } from '../stored-event.ts';
import {
  forbidden,
  mustBeAbleToRedact,
  mustBeAbleToSend,
  mustBeAbleToSetMembership,
} from '../permissions.ts';
import type { Membership, Room } from '../room.ts';
import { type Call, findRoom, post, put, readText, type Route } from './route.ts';

export function sendingRoutes(homeserver: SandboxHomeserver): Route[] {
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

  return [
    put(
      '/rooms/:roomId/send/:type/:transactionId',
      (call) =>
        once(call, (transaction) => {
          const { session, params, body } = call;
          const { roomId } = mustSend(call, params['type'] ?? '', false);
          const event = { type: params['type'] ?? '', content: body, transaction };
          return homeserver.send(session.user.userId, roomId, event).eventId;
        }),
      'guests too',
    ),
    put('/rooms/:roomId/redact/:eventId/:transactionId', (call) =>
      once(call, (transaction) => {
        const { session, params, body } = call;
        const { userId } = session.user;
        const target = params['eventId'] as EventId;
        const room = findRoom(homeserver, params['roomId']);
        mustBeAbleToRedact(room, userId, homeserver.events.get(target)?.sender);
        return homeserver.redact(userId, room.roomId, target, { content: body, transaction }).eventId;
      }),
    ),
    put('/rooms/:roomId/state/:type', putState),
    put('/rooms/:roomId/state/:type/:stateKey', putState),
    put('/rooms/:roomId/typing/:userId', (call) => {
      const { typing, timeout } = call.body;
      mustBeOwn(call);
      const expiresMs = typeof timeout === 'number' ? timeout : undefined;
      homeserver.setTyping(call.session.user.userId, memberOf(call).roomId, typing === true, expiresMs);
      return {};
    }),
    post('/rooms/:roomId/receipt/:type/:eventId', (call) => {
      const { type = 'm.read', eventId } = call.params;
      read(call, memberOf(call).roomId, type, eventId, call.body['thread_id']);
      return {};
    }),
    post('/rooms/:roomId/read_markers', (call) => {
      const { roomId } = memberOf(call);
      for (const type of ['m.fully_read', 'm.read', 'm.read.private'])
        read(call, roomId, type, call.body[type]);
      return {};
    }),
  ];

  function mustSend({ session, params }: Call, type: string, isState: boolean): Room {
    const room = findRoom(homeserver, params['roomId']);
    mustBeAbleToSend(room, session.user.userId, type, isState);
    return room;
  }

  function putState(call: Call): object {
    const { session, params, body } = call;
    const [type, stateKey] = [params['type'] ?? '', params['stateKey'] ?? ''];
    const { roomId } =
      type === 'm.room.member' ? mustChange(call, stateKey as UserId) : mustSend(call, type, true);
    return {
      event_id: homeserver.send(session.user.userId, roomId, { type, stateKey, content: body }).eventId,
    };
  }

  function mustChange({ session, params, body }: Call, target: UserId): Room {
    const room = findRoom(homeserver, params['roomId']);
    mustBeAbleToSetMembership(room, session.user, target, readText(body, 'membership') as Membership);
    return room;
  }

  function read({ session }: Call, roomId: RoomId, type: string, eventId: unknown, threadId?: unknown): void {
    if (typeof eventId !== 'string') return;
    const { userId } = session.user;
    if (type === 'm.fully_read') homeserver.setAccountData(userId, type, { event_id: eventId }, roomId);
    else {
      const thread = typeof threadId === 'string' ? threadId : undefined;
      homeserver.sendReceipt(userId, roomId, eventId as EventId, type, thread);
    }
  }
}

/** Throws 403 where a path names another user than the caller. */
export function mustBeOwn({ session, params }: Call): void {
  if (params['userId'] !== session.user.userId) throw forbidden('Cannot act for other users');
}
