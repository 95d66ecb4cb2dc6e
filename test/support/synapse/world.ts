// The world that Synapse's own answers and ours are compared in: what can be seen of it, alice can see.

import { createActions, type Actions } from './actions.ts';
import { register, type User } from './synapse-client.ts';

/** Everybody, before there are rooms. */
interface Inhabitants extends Actions {
  url: string;
  serverName: string;
  name: string;
  /** Who looks at the world. */
  alice: User;
  bob: User;
  carol: User;
  /** Whom alice ignores. */
  dave: User;
}

export interface World<Room extends RoomName = RoomName> extends Inhabitants {
  rooms: Record<Room, string>;
}

export type RoomName = keyof typeof BUILDERS | 'replacement' | `version ${(typeof ROOM_VERSIONS)[number]}`;

export const ROOM_VERSIONS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'] as const;

type Builder = (world: Inhabitants) => Promise<string>;

/**
 * Everybody, and every room or only those that are wanted, made through the homeserver's own API in a few seconds.
 *
 * `name` goes into the names of its users and aliases, so that several worlds can be on one homeserver.
 */
export async function createWorld<Room extends RoomName = RoomName>(
  url: string,
  serverName: string,
  name: string,
  wanted?: readonly Room[],
): Promise<World<Room>> {
  const [alice, bob, carol, dave] = await Promise.all([
    register(url, `${name}-alice`),
    register(url, `${name}-bob`),
    register(url, `${name}-carol`),
    register(url, `${name}-dave`),
  ]);
  const world: Inhabitants = { ...createActions(url), url, serverName, name, alice, bob, carol, dave };
  await world.setPresence(alice, 'online');
  await world.setPresence(bob, 'online', 'at the desk');
  await world.setPresence(carol, 'unavailable');
  await world.setAccountData(alice, 'org.example.global', {
    key: 'value',
    nested: { list: [1, 'two', null] },
  });
  await world.setAccountData(alice, 'org.example.emptied', {});
  await world.sendToDevice(bob, alice);

  const builders: [string, Builder][] = [
    ...Object.entries(BUILDERS),
    ...ROOM_VERSIONS.map((version): [string, Builder] => [
      `version ${version}`,
      (each) => buildVersion(each, version),
    ]),
  ];
  const chosen = builders.filter(([room]) => wanted === undefined || wanted.includes(room as Room));
  const rooms = Object.fromEntries(
    await Promise.all(chosen.map(async ([room, build]) => [room, await build(world)] as const)),
  );
  if (rooms['upgraded'] !== undefined)
    rooms['replacement'] = await world.upgrade(alice, rooms['upgraded'], '11');
  return { ...world, rooms: rooms as Record<Room, string> };
}

const BUILDERS = {
  plain: async (world) => {
    const { alice, bob, carol } = world;
    const room = await world.createRoom(bob, [alice, carol], { name: 'Plain', topic: 'Nothing much' });
    await world.say(bob, room, 'hello');
    const eventId = await world.say(alice, room, 'hello yourself');
    await world.setState(bob, room, 'm.room.topic', { topic: 'Something after all' });
    await world.setState(bob, room, 'org.example.custom', { any: ['thing', null, 15_000_000_000] }, 'a key');
    await world.read(bob, room, eventId, 'm.read');
    await world.type(bob, room, true);
    return room;
  },
  busy: async (world) => {
    const { alice, bob, carol } = world;
    const room = await world.createRoom(bob, [alice, carol], {
      name: 'Busy',
      power_level_content_override: ALL_MAY,
    });
    let last = '';
    for (let count = 1; count <= 36; count += 1)
      last = await world.say([alice, bob, carol][count % 3] ?? bob, room, `message ${count}`);
    await world.setState(carol, room, 'm.room.topic', { topic: 'within the last ten' });
    await world.read(alice, room, last, 'm.read.private');
    await world.read(bob, room, last, 'm.read.private');
    await world.read(carol, room, last, 'm.read');
    await world.mute(alice, room);
    return room;
  },
  direct: async (world) => {
    const { alice, bob } = world;
    const room = await world.createRoom(bob, [alice], { is_direct: true, preset: 'trusted_private_chat' });
    await world.setAccountData(alice, 'm.direct', { [bob.userId]: [room] });
    await world.say(bob, room, 'between us');
    return room;
  },
  encrypted: async (world) => {
    const { alice, bob } = world;
    const room = await world.createRoom(bob, [alice], { initial_state: [ENCRYPTION] });
    await world.send(bob, room, 'm.room.encrypted', { ...CIPHERTEXT, device_id: bob.deviceId });
    await world.send(alice, room, 'm.room.encrypted', { ...CIPHERTEXT, device_id: alice.deviceId });
    return room;
  },
  related: async (world) => {
    const { alice, bob } = world;
    const room = await world.createRoom(alice, [bob], { name: 'Related' });
    const root = await world.say(bob, room, 'first verison');
    await world.send(bob, room, 'm.room.message', {
      msgtype: 'm.text',
      body: '* first version',
      'm.new_content': { msgtype: 'm.text', body: 'first version' },
      'm.relates_to': { rel_type: 'm.replace', event_id: root },
    });
    await world.send(alice, room, 'm.reaction', {
      'm.relates_to': { rel_type: 'm.annotation', event_id: root, key: '👍' },
    });
    const reply = await world.send(alice, room, 'm.room.message', {
      msgtype: 'm.text',
      body: 'in a thread',
      'm.relates_to': { rel_type: 'm.thread', event_id: root },
    });
    await world.read(bob, room, reply, 'm.read', root);
    return room;
  },
  redacted: async (world) => {
    const { alice, bob } = world;
    const room = await world.createRoom(bob, [alice], { name: 'Redacted' });
    const [first, second] = [await world.say(bob, room, 'a secret'), await world.say(alice, room, 'another')];
    const topic = await world.setState(bob, room, 'm.room.topic', { topic: 'a secret topic' });
    await world.redact(bob, room, first);
    await world.redact(alice, room, second);
    await world.redact(bob, room, topic);
    return room;
  },
  published: async (world) => {
    const { alice, bob, name, serverName } = world;
    const room = await world.createRoom(alice, [bob], { preset: 'public_chat', name: 'Published' });
    await world.publish(alice, room);
    const alias = `#${name}:${serverName}`;
    await world.addAlias(alice, room, alias);
    await world.setState(alice, room, 'm.room.canonical_alias', { alias });
    await world.setState(alice, room, 'm.room.avatar', { url: 'mxc://hs.test/none' });
    await world.setState(alice, room, 'm.room.history_visibility', { history_visibility: 'world_readable' });
    return room;
  },
  oldAliases: async (world) => {
    const room = await world.createRoom(world.bob, [world.alice], { name: 'Old aliases', room_version: '5' });
    const aliases = { aliases: [] };
    await world.setState(world.bob, room, 'm.room.aliases', aliases, world.serverName);
    return room;
  },
  tagged: async (world) => {
    const { alice, bob } = world;
    const room = await world.createRoom(bob, [alice], { name: 'Tagged' });
    await world.tag(alice, room, 'm.favourite');
    await world.tag(alice, room, 'u.mine');
    await world.setRoomAccountData(alice, room, 'org.example.colour', { colour: 'blue' });
    await world.markRead(alice, room, await world.say(bob, room, 'read me'));
    return room;
  },
  ignored: async (world) => {
    const { alice, bob, dave } = world;
    const room = await world.createRoom(bob, [alice, dave], { power_level_content_override: ALL_MAY });
    await world.setAccountData(alice, 'm.ignored_user_list', { ignored_users: { [dave.userId]: {} } });
    await world.say(bob, room, 'heard');
    const unheard = await world.say(dave, room, 'not heard');
    await world.setState(dave, room, 'm.room.topic', { topic: 'seen all the same' });
    await world.read(dave, room, unheard, 'm.read');
    return room;
  },
  membersGone: async (world) => {
    const { alice, bob, carol, dave } = world;
    const room = await world.createRoom(bob, [alice, carol, dave], { name: 'Members gone' });
    await world.leave(carol, room);
    await world.moderate(bob, 'ban', room, dave);
    return room;
  },
  rejoined: async (world) => {
    const { alice, bob } = world;
    const room = await world.createRoom(bob, [alice], { preset: 'public_chat', name: 'Rejoined' });
    await world.leave(alice, room);
    await world.say(bob, room, 'while she was out');
    await world.join(alice, room);
    await world.say(bob, room, 'welcome back');
    return room;
  },
  joinedHistory: async (world) => {
    const { alice, bob } = world;
    const visibility = { type: 'm.room.history_visibility', content: { history_visibility: 'joined' } };
    const room = await world.createRoom(bob, [], { preset: 'public_chat', initial_state: [visibility] });
    for (let count = 1; count <= 4; count += 1) await world.say(bob, room, `before she came ${count}`);
    await world.join(alice, room);
    await world.say(bob, room, 'now she is here');
    return room;
  },
  upgraded: async (world) => {
    const room = await world.createRoom(world.alice, [world.bob], { name: 'Upgraded', room_version: '9' });
    await world.say(world.bob, room, 'in the old room');
    return room;
  },
  alone: (world) => world.createRoom(world.alice, [], {}),
  invited: async (world) => {
    const room = await world.createRoom(world.bob, [world.carol], { name: 'Invited', topic: 'Come in' });
    await world.moderate(world.bob, 'invite', room, world.alice);
    return room;
  },
  invitedDirect: async (world) => {
    const { alice, bob } = world;
    const options = { is_direct: true, invite: [alice.userId] };
    return world.createRoom(bob, [], options);
  },
  left: async (world) => {
    const { alice, bob } = world;
    const room = await world.createRoom(bob, [alice], { name: 'Left' });
    await world.say(alice, room, 'goodbye');
    await world.tag(alice, room, 'm.lowpriority');
    await world.leave(alice, room);
    await world.say(bob, room, 'after she left');
    return room;
  },
  kicked: async (world) => {
    const room = await world.createRoom(world.bob, [world.alice], { name: 'Kicked' });
    await world.say(world.alice, room, 'something rude');
    await world.moderate(world.bob, 'kick', room, world.alice);
    return room;
  },
  banned: async (world) => {
    const room = await world.createRoom(world.bob, [world.alice], { name: 'Banned' });
    await world.moderate(world.bob, 'ban', room, world.alice);
    return room;
  },
  unbanned: async (world) => {
    const room = await world.createRoom(world.bob, [world.alice], { name: 'Unbanned' });
    await world.moderate(world.bob, 'ban', room, world.alice);
    await world.moderate(world.bob, 'unban', room, world.alice);
    return room;
  },
  rejected: async (world) => {
    const room = await world.createRoom(world.bob, [], { name: 'Rejected' });
    await world.moderate(world.bob, 'invite', room, world.alice);
    await world.leave(world.alice, room);
    return room;
  },
  knocked: async (world) => {
    const joinRule = { type: 'm.room.join_rules', content: { join_rule: 'knock' } };
    const room = await world.createRoom(world.bob, [], { name: 'Knocked', initial_state: [joinRule] });
    await world.knock(world.alice, room);
    return room;
  },
  forgotten: async (world) => {
    const room = await world.createRoom(world.bob, [world.alice], { name: 'Forgotten' });
    await world.leave(world.alice, room);
    await world.forget(world.alice, room);
    return room;
  },
} satisfies Record<string, Builder>;

/** Of each version the things that differ between versions: creation, power, redaction, event ids. */
async function buildVersion(world: Inhabitants, version: string): Promise<string> {
  const { alice, bob } = world;
  const room = await world.createRoom(bob, [alice], { name: `Version ${version}`, room_version: version });
  const eventId = await world.say(bob, room, 'to be redacted');
  await world.redact(bob, room, eventId);
  await world.say(alice, room, 'to stay');
  return room;
}

const ALL_MAY = { state_default: 0, users_default: 0 };
const ENCRYPTION = {
  type: 'm.room.encryption',
  state_key: '',
  content: { algorithm: 'm.megolm.v1.aes-sha2' },
};
const CIPHERTEXT = {
  algorithm: 'm.megolm.v1.aes-sha2',
  ciphertext: 'AwgA',
  sender_key: 'key',
  session_id: 'id',
};
