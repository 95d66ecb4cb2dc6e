// What can happen while alice listens, one thing at a time.

import { randomUUID } from 'node:crypto';
import type { World as AnyWorld } from './world.ts';

/** The rooms of the world in which changes take place. */
export const LIVE_ROOMS = ['plain', 'busy', 'tagged', 'ignored', 'direct', 'encrypted'] as const;

type World = AnyWorld<(typeof LIVE_ROOMS)[number]>;

/** Makes what the change needs before anybody listens → makes the change. */
type Prepare = (world: World) => Promise<() => Promise<unknown>>;

const CAN_KNOCK = [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }];
const PUBLIC = { preset: 'public_chat' };

/** A change that needs nothing but the world. */
const now =
  (change: (world: World) => Promise<unknown>): Prepare =>
  async (world) =>
  () =>
    change(world);

/** A change to a room of its own, which bob made and alice has joined. */
const inRoom =
  (change: (world: World, room: string) => Promise<unknown>, options: object = {}): Prepare =>
  async (world) => {
    const room = await world.createRoom(world.bob, [world.alice], { name: 'Of its own', ...options });
    return () => change(world, room);
  };

/** A change to a room of bob's that alice is not in. */
const outside =
  (change: (world: World, room: string) => Promise<unknown>, options: object = {}): Prepare =>
  async (world) => {
    const room = await world.createRoom(world.bob, [world.carol], { name: 'Elsewhere', ...options });
    await world.say(world.bob, room, 'before anybody listened');
    return () => change(world, room);
  };

export const LIVE_CHANGES = {
  'a message': now(({ bob, rooms, say }) => say(bob, rooms.plain, 'news')),
  'an own message': now(({ alice, rooms, say }) => say(alice, rooms.plain, 'my news')),
  'messages in several rooms': now(async ({ bob, rooms, say }) => {
    for (const count of [1, 2, 3])
      for (const room of [rooms.plain, rooms.busy, rooms.tagged]) await say(bob, room, `round ${count}`);
  }),
  'more messages than a timeline holds': now(async ({ bob, rooms, say }) => {
    for (let count = 1; count <= 25; count += 1) await say(bob, rooms.busy, `burst ${count}`);
  }),
  'a message of an ignored user': now(({ dave, rooms, say }) => say(dave, rooms.ignored, 'still not heard')),
  'a state event of an ignored user': now(({ dave, rooms, setState }) =>
    setState(dave, rooms.ignored, 'm.room.topic', { topic: 'seen again' }),
  ),
  'an edit and a reaction': now(async ({ bob, rooms, say, send }) => {
    const target = await say(bob, rooms.plain, 'teh');
    await send(bob, rooms.plain, 'm.room.message', {
      msgtype: 'm.text',
      body: '* the',
      'm.new_content': { msgtype: 'm.text', body: 'the' },
      'm.relates_to': { rel_type: 'm.replace', event_id: target },
    });
    await send(bob, rooms.plain, 'm.reaction', {
      'm.relates_to': { rel_type: 'm.annotation', event_id: target, key: '✔️' },
    });
  }),
  'a redaction of something old': async (world) => {
    const eventId = await world.say(world.bob, world.rooms.plain, 'regrettable');
    return () => world.redact(world.bob, world.rooms.plain, eventId);
  },
  'a redaction of something new': now(async ({ bob, rooms, say, redact }) =>
    redact(bob, rooms.plain, await say(bob, rooms.plain, 'regrettable at once')),
  ),
  'a state change': now(({ bob, rooms, setState }) =>
    setState(bob, rooms.plain, 'm.room.topic', { topic: 'Something else' }),
  ),
  'an alias in the directory': now(({ bob, rooms, name, serverName, addAlias }) =>
    addAlias(bob, rooms.plain, `#${name}-${randomUUID()}:${serverName}`),
  ),
  'an upgrade': inRoom(({ bob, upgrade }, room) => upgrade(bob, room, '11'), { room_version: '10' }),
  'an own upgrade': async (world) => {
    const room = await world.createRoom(world.alice, [world.bob], { room_version: '10' });
    await world.tag(world.alice, room, 'm.favourite');
    return () => world.upgrade(world.alice, room, '11');
  },

  'an invite': outside(({ alice, bob, moderate }, room) => moderate(bob, 'invite', room, alice)),
  'an invite from an ignored user': async (world) => {
    const room = await world.createRoom(world.dave, []);
    return () => world.moderate(world.dave, 'invite', room, world.alice);
  },
  'an invite withdrawn': outside(async ({ alice, bob, moderate }, room) => {
    await moderate(bob, 'invite', room, alice);
    await moderate(bob, 'kick', room, alice);
  }),
  'an invite rejected': async (world) => {
    const room = await world.createRoom(world.bob, [], { invite: [world.alice.userId] });
    return () => world.leave(world.alice, room);
  },
  'an invite accepted': async (world) => {
    const room = await world.createRoom(world.bob, [], { invite: [world.alice.userId] });
    await world.say(world.bob, room, 'before anybody listened');
    return async () => {
      await world.join(world.alice, room);
      await world.say(world.bob, room, 'there you are');
    };
  },
  'a room created': now(({ alice, bob, createRoom }) => createRoom(alice, [bob], { name: 'Brand new' })),
  'a join': outside(async ({ alice, bob, join, say }, room) => {
    await say(bob, room, 'after she listened, before she came');
    await join(alice, room);
    await say(bob, room, 'and afterwards');
  }, PUBLIC),
  'a join of somebody else': async (world) => {
    const room = await world.createRoom(world.bob, [world.alice], PUBLIC);
    return () => world.join(world.carol, room);
  },
  'a leave of somebody else': async (world) => {
    const room = await world.createRoom(world.bob, [world.alice, world.carol]);
    return () => world.leave(world.carol, room);
  },
  // In one room only: a new name for all of them is put in by a task that the homeserver takes up when it has time.
  'a profile change of somebody else': now(({ bob, rooms, setState }) =>
    setState(
      bob,
      rooms.plain,
      'm.room.member',
      { membership: 'join', displayname: randomUUID() },
      bob.userId,
    ),
  ),
  'a knock': outside(({ alice, knock }, room) => knock(alice, room), { initial_state: CAN_KNOCK }),
  'a knock retracted': async (world) => {
    const room = await world.createRoom(world.bob, [], { initial_state: CAN_KNOCK });
    await world.knock(world.alice, room);
    return () => world.leave(world.alice, room);
  },
  'a leave': inRoom(({ alice, leave }, room) => leave(alice, room)),
  'a leave after last words': inRoom(async ({ alice, bob, leave, say }, room) => {
    await say(bob, room, 'last words');
    await leave(alice, room);
    await say(bob, room, 'behind her back');
  }),
  'a kick': inRoom(({ alice, bob, moderate }, room) => moderate(bob, 'kick', room, alice)),
  'a kick after rude words': inRoom(async ({ alice, bob, moderate, say }, room) => {
    await say(alice, room, 'something rude');
    await moderate(bob, 'kick', room, alice);
  }),
  'a ban': inRoom(({ alice, bob, moderate }, room) => moderate(bob, 'ban', room, alice)),
  'an unban': async (world) => {
    const room = await world.createRoom(world.bob, [world.alice]);
    await world.moderate(world.bob, 'ban', room, world.alice);
    return () => world.moderate(world.bob, 'unban', room, world.alice);
  },
  'a leave and a return': inRoom(async ({ alice, bob, join, leave, say }, room) => {
    await leave(alice, room);
    await say(bob, room, 'while she was out');
    await join(alice, room);
  }, PUBLIC),
  'a room forgotten': inRoom(async ({ alice, leave, forget }, room) => {
    await leave(alice, room);
    await forget(alice, room);
  }),

  'typing begins': now(({ carol, rooms, type }) => type(carol, rooms.busy, true)),
  'typing ends': async (world) => {
    await world.type(world.bob, world.rooms.tagged, true);
    return () => world.type(world.bob, world.rooms.tagged, false);
  },
  'a receipt': async (world) => {
    const eventId = await world.say(world.bob, world.rooms.busy, 'read this');
    return () => world.read(world.carol, world.rooms.busy, eventId, 'm.read');
  },
  "somebody's private receipt": async (world) => {
    const eventId = await world.say(world.bob, world.rooms.busy, 'read this in private');
    return () => world.read(world.carol, world.rooms.busy, eventId, 'm.read.private');
  },
  'an own private receipt': async (world) => {
    const eventId = await world.say(world.bob, world.rooms.busy, 'I read this in private');
    return () => world.read(world.alice, world.rooms.busy, eventId, 'm.read.private');
  },
  'a receipt in a thread': async (world) => {
    const eventId = await world.say(world.bob, world.rooms.busy, 'read this in the main thread');
    return () => world.read(world.carol, world.rooms.busy, eventId, 'm.read', 'main');
  },
  // Of somebody who says nothing afterwards: who does is online again.
  'presence and a status': now(({ carol, setPresence }) => setPresence(carol, 'unavailable', randomUUID())),
  'own presence': now(({ alice, setPresence }) => setPresence(alice, 'online', 'listening')),
  'a tag': now(({ alice, rooms, tag }) => tag(alice, rooms.busy, 'm.favourite')),
  'global account data': now(({ alice, setAccountData }) =>
    setAccountData(alice, 'org.example.live', { a: 1 }),
  ),
  'room account data': now(({ alice, rooms, setRoomAccountData }) =>
    setRoomAccountData(alice, rooms.busy, 'org.example.live', { b: 2 }),
  ),
  'a read marker': async (world) => {
    const eventId = await world.say(world.bob, world.rooms.busy, 'up to here');
    return () => world.markRead(world.alice, world.rooms.busy, eventId);
  },
  'a push rule': now(({ alice, rooms, mute }) => mute(alice, rooms.direct)),
  'a message to the device': now(({ alice, bob, sendToDevice }) => sendToDevice(bob, alice)),
} satisfies Record<string, Prepare>;

export type LiveChange = keyof typeof LIVE_CHANGES;
