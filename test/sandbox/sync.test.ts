import { describe, expect, test } from 'vitest';
import type { UserId } from '../../src/matrix/identifiers.ts';
import type { TestSandbox } from '../support/sandbox/test-sandbox.ts';
import { aClient, aSandbox, bodiesOf, idsOf, type Client } from '../support/sandbox/sandbox-client.ts';

/** Alice and Bob in a public room of Bob's. */
async function aSharedRoom() {
  const sandbox = await aSandbox();
  const { homeserver } = sandbox;
  const alice = aClient(sandbox, 'alice');
  const bob = aClient(sandbox, 'bob');
  const roomId = homeserver.createRoom(bob.userId, { preset: 'public_chat', name: 'Tea' });
  homeserver.join(alice.userId, roomId);
  return { sandbox, homeserver, alice, bob, roomId };
}

/** Resolves when so many polls wait. */
async function waiting({ homeserver }: TestSandbox, count: number): Promise<void> {
  await expect.poll(() => homeserver.polls.size, { interval: 2 }).toBe(count);
}

const quiet = { set_presence: 'offline' };

describe('an initial sync', () => {
  test('when a room has more than the limit -> the newest, limited, with the state before them', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    homeserver.say(bob.userId, roomId, 'one');
    homeserver.send(bob.userId, roomId, { type: 'm.room.name', stateKey: '', content: { name: 'Coffee' } });
    homeserver.say(bob.userId, roomId, 'two');
    const { rooms } = await alice.sync({}, { room: { timeline: { limit: 2 } } });
    const room = rooms.join[roomId];
    expect(room?.timeline.events.map(({ type }) => type)).toEqual(['m.room.name', 'm.room.message']);
    expect(room?.timeline.limited).toBe(true);
    expect(room?.state.events.find(({ type }) => type === 'm.room.name')?.content).toEqual({ name: 'Tea' });
    const before = await alice.readAll(roomId, { dir: 'b', from: room?.timeline.prev_batch ?? '' });
    expect(bodiesOf(before)).toEqual(['one']);
  });

  test('when the timeline is whole -> prev_batch is now, as in Synapse', async () => {
    const { alice, roomId } = await aSharedRoom();
    const { rooms, next_batch: now } = await alice.sync();
    expect(rooms.join[roomId]?.timeline).toMatchObject({ limited: false, prev_batch: now });
  });

  test('when rooms were left -> kicks and bans are told, own leaves only with include_leave, forgotten ones never', async () => {
    const { homeserver, alice, bob } = await aSharedRoom();
    const aRoom = () => {
      const roomId = homeserver.createRoom(bob.userId, { preset: 'public_chat' });
      homeserver.join(alice.userId, roomId);
      return roomId;
    };
    const [kicked, banned, left, forgotten] = [aRoom(), aRoom(), aRoom(), aRoom()];
    homeserver.kick(bob.userId, kicked, alice.userId);
    homeserver.ban(bob.userId, banned, alice.userId);
    homeserver.leave(alice.userId, left);
    homeserver.leave(alice.userId, forgotten);
    homeserver.forget(alice.userId, forgotten);
    expect(Object.keys((await alice.sync()).rooms.leave)).toEqual([kicked, banned]);
    const all = await alice.sync({}, { room: { include_leave: true } });
    expect(Object.keys(all.rooms.leave)).toEqual([kicked, banned, left]);
  });

  test('when no room is asked for -> a position and nothing else of rooms', async () => {
    const { alice, homeserver, bob, roomId } = await aSharedRoom();
    const none = { types: [] };
    const now = await alice.sync(quiet, { presence: none, account_data: none, room: { rooms: [] } });
    expect(now.rooms).toEqual({ join: {}, invite: {}, knock: {}, leave: {} });
    expect(now.account_data.events).toEqual([]);
    homeserver.say(bob.userId, roomId, 'new');
    expect(
      bodiesOf((await alice.sync({ since: now.next_batch })).rooms.join[roomId]?.timeline.events),
    ).toEqual(['new']);
  });
});

describe('a long poll', () => {
  type Happen = (world: Awaited<ReturnType<typeof aSharedRoom>>) => unknown;
  test.each<{ what: string; happen: Happen }>([
    { what: 'a message', happen: ({ homeserver, bob, roomId }) => homeserver.say(bob.userId, roomId, 'hi') },
    {
      what: 'an own message',
      happen: ({ homeserver, alice, roomId }) => homeserver.say(alice.userId, roomId, 'hi'),
    },
    {
      what: 'typing',
      happen: ({ homeserver, bob, roomId }) => homeserver.setTyping(bob.userId, roomId, true),
    },
    {
      what: 'a receipt',
      happen: ({ bob, homeserver, roomId }) =>
        bob.post(`/rooms/${roomId}/receipt/m.read/${homeserver.room(roomId).timeline.byArrival[0]?.eventId}`),
    },
    {
      what: 'presence',
      happen: ({ bob }) => bob.put(`/presence/${bob.userId}/status`, { presence: 'unavailable' }),
    },
    {
      what: 'account data',
      happen: ({ alice }) => alice.put(`/user/${alice.userId}/account_data/x`, { y: 1 }),
    },
    {
      what: 'a tag',
      happen: ({ alice, roomId }) => alice.put(`/user/${alice.userId}/rooms/${roomId}/tags/u.x`, {}),
    },
    {
      what: 'a push rule',
      happen: ({ alice }) => alice.put('/pushrules/global/override/x', { actions: [], conditions: [] }),
    },
    {
      what: 'a to-device message',
      happen: ({ alice, bob }) =>
        bob.put('/sendToDevice/x/1', { messages: { [alice.userId]: { [alice.deviceId]: { a: 1 } } } }),
    },
    {
      what: 'an invite',
      happen: ({ homeserver, alice, bob }) => homeserver.createRoom(bob.userId, { invite: [alice.userId] }),
    },
    {
      what: 'an own join',
      happen: ({ homeserver, alice, bob }) =>
        homeserver.join(alice.userId, homeserver.createRoom(bob.userId)),
    },
    {
      what: 'a kick',
      happen: ({ homeserver, alice, bob, roomId }) => homeserver.kick(bob.userId, roomId, alice.userId),
    },
  ])('when $what comes -> it wakes', async ({ happen }) => {
    const world = await aSharedRoom();
    const { next_batch: since } = await world.alice.sync(quiet);
    const poll = world.alice.sync({ since, timeout: 30_000, ...quiet });
    await waiting(world.sandbox, 1);
    await happen(world);
    const { next_batch: after } = await poll;
    expect(after).not.toBe(since);
    expect(world.homeserver.polls.size).toBe(0);
  });

  test('when what happens is filtered out, or elsewhere -> it goes on waiting, and the position moves on', async () => {
    const { sandbox, homeserver, alice, bob, roomId } = await aSharedRoom();
    const elsewhere = homeserver.createRoom(bob.userId);
    const { next_batch: since } = await alice.sync(quiet);
    const poll = alice.sync(
      { since, timeout: 300, ...quiet },
      { room: { timeline: { not_types: ['m.room.mess*'] } } },
    );
    await waiting(sandbox, 1);
    homeserver.say(bob.userId, roomId, 'not asked for');
    homeserver.say(bob.userId, elsewhere, 'not seen');
    await waiting(sandbox, 1);
    const { rooms, next_batch: after } = await poll;
    expect(rooms.join).toEqual({});
    expect(after).not.toBe(since);
  });

  test('when the client leaves -> nobody waits any more', async () => {
    const { sandbox, alice } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    const client = new AbortController();
    const poll = alice.request('GET', `/sync?timeout=30000&set_presence=offline&since=${since}`, {
      signal: client.signal,
    });
    await waiting(sandbox, 1);
    client.abort();
    await expect(poll).rejects.toThrow();
    await waiting(sandbox, 0);
  });

  test('when the sandbox stops and starts again -> the poll breaks, and the position is still good', async () => {
    const { sandbox, homeserver, alice, bob, roomId } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    const poll = alice.sync({ since, timeout: 30_000, ...quiet });
    await waiting(sandbox, 1);
    await Promise.all([expect(poll).rejects.toThrow(), sandbox.stop()]);
    await expect(alice.sync()).rejects.toThrow();
    homeserver.say(bob.userId, roomId, 'meanwhile');
    await sandbox.restart();
    const { rooms } = await alice.sync({ since });
    expect(bodiesOf(rooms.join[roomId]?.timeline.events)).toEqual(['meanwhile']);
  });
});

describe('an incremental sync', () => {
  test('when more happened than fits -> limited, and prev_batch closes the gap exactly', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    const sent = Array.from({ length: 25 }, (_, at) => homeserver.say(bob.userId, roomId, `m${at}`).eventId);
    const { rooms } = await alice.sync({ since, ...quiet }, { room: { timeline: { limit: 4 } } });
    const { events, limited, prev_batch: to = '' } = rooms.join[roomId]?.timeline ?? {};
    expect(limited).toBe(true);
    const gap = await alice.readAll(roomId, { dir: 'f', from: since, to, limit: 7 });
    expect([...idsOf(gap), ...idsOf(events)]).toEqual(sent);
  });

  test('when state changed in the gap -> it stands in state, the timeline has the rest', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    for (const name of ['a', 'b'])
      homeserver.send(bob.userId, roomId, { type: 'm.room.name', stateKey: '', content: { name } });
    homeserver.say(bob.userId, roomId, 'hi');
    const { rooms } = await alice.sync({ since, ...quiet }, { room: { timeline: { limit: 1 } } });
    expect(rooms.join[roomId]?.state.events.map(({ content }) => content)).toEqual([{ name: 'b' }]);
    expect(bodiesOf(rooms.join[roomId]?.timeline.events)).toEqual(['hi']);
  });

  test('when state is no part of the timeline that was asked for -> it stands in state', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    homeserver.say(bob.userId, roomId, 'hi');
    homeserver.send(bob.userId, roomId, { type: 'm.room.topic', stateKey: '', content: { topic: 'x' } });
    const { rooms } = await alice.sync(
      { since, ...quiet },
      { room: { timeline: { types: ['m.room.message'] } } },
    );
    expect(rooms.join[roomId]?.state.events.map(({ type }) => type)).toEqual(['m.room.topic']);
  });

  test('when the user left and was invited anew -> both are told', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    const leave = homeserver.leave(alice.userId, roomId);
    homeserver.say(bob.userId, roomId, 'after');
    homeserver.invite(bob.userId, roomId, alice.userId);
    const { rooms } = await alice.sync({ since, ...quiet });
    expect(idsOf(rooms.leave[roomId]?.timeline.events)).toEqual([leave.eventId]);
    expect(Object.keys(rooms.invite)).toEqual([roomId]);
  });

  test('when the user left and forgot the room -> the leave is told, and nothing can be read', async () => {
    const { homeserver, alice, roomId } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    const leave = homeserver.leave(alice.userId, roomId);
    homeserver.forget(alice.userId, roomId);
    const { rooms } = await alice.sync({ since, ...quiet });
    expect(idsOf(rooms.leave[roomId]?.timeline.events)).toEqual([leave.eventId]);
    expect(await alice.request('GET', `/rooms/${roomId}/messages?dir=b`)).toMatchObject({ status: 403 });
  });

  test('when a room was joined since -> limited, whole state, and a timeline from before since', async () => {
    const { homeserver, alice, bob } = await aSharedRoom();
    const roomId = homeserver.createRoom(bob.userId, { preset: 'public_chat' });
    homeserver.say(bob.userId, roomId, 'before');
    const { next_batch: since } = await alice.sync(quiet);
    homeserver.join(alice.userId, roomId);
    const { rooms } = await alice.sync({ since, ...quiet }, { room: { timeline: { limit: 2 } } });
    expect(rooms.join[roomId]?.timeline).toMatchObject({ limited: true });
    expect(bodiesOf(rooms.join[roomId]?.timeline.events)).toEqual(['before']);
    expect(rooms.join[roomId]?.state.events.map(({ type }) => type)).toContain('m.room.create');
  });

  test('when the user left -> the leave section, to the own leave and not further', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    homeserver.say(bob.userId, roomId, 'stay!');
    const leave = homeserver.leave(alice.userId, roomId);
    homeserver.say(bob.userId, roomId, 'gone');
    const { rooms } = await alice.sync({ since, ...quiet });
    expect(rooms.join).toEqual({});
    expect(bodiesOf(rooms.leave[roomId]?.timeline.events)).toEqual(['stay!']);
    expect(rooms.leave[roomId]?.timeline.events.at(-1)?.event_id).toBe(leave.eventId);
  });

  test('when the user left and came back -> joined anew', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    homeserver.leave(alice.userId, roomId);
    homeserver.say(bob.userId, roomId, 'while out');
    homeserver.join(alice.userId, roomId);
    const { rooms } = await alice.sync({ since, ...quiet });
    expect(rooms.leave).toEqual({});
    expect(rooms.join[roomId]?.timeline.limited).toBe(true);
    expect(bodiesOf(rooms.join[roomId]?.timeline.events)).toEqual(['while out']);
  });

  test('when an invite is rejected -> what was said meanwhile comes along, as in Synapse', async () => {
    const { homeserver, alice, bob } = await aSharedRoom();
    const roomId = homeserver.createRoom(bob.userId, { invite: [alice.userId] });
    const { next_batch: since } = await alice.sync(quiet);
    const secret = homeserver.say(bob.userId, roomId, 'secret');
    const reject = homeserver.leave(alice.userId, roomId);
    const { rooms } = await alice.sync({ since, ...quiet });
    expect(idsOf(rooms.leave[roomId]?.timeline.events)).toEqual([secret.eventId, reject.eventId]);
  });

  test('when invited -> stripped state with the own membership, and the whole event in notifications', async () => {
    const { homeserver, alice, bob } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    const roomId = homeserver.createRoom(bob.userId, { name: 'Biscuits', invite: [alice.userId] });
    const { events } = (await alice.sync({ since, ...quiet })).rooms.invite[roomId]?.invite_state ?? {
      events: [],
    };
    const own = {
      type: 'm.room.member',
      state_key: alice.userId,
      sender: bob.userId,
      content: { membership: 'invite' },
    };
    expect(events.at(-1)).toEqual(own);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'm.room.name', content: { name: 'Biscuits' } }),
    );
    const { notifications } = await alice.get<{ notifications: unknown[] }>('/notifications');
    expect(notifications).toEqual([
      expect.objectContaining({
        room_id: roomId,
        event: expect.objectContaining({ ...own, event_id: expect.stringMatching(/^\$/) }),
      }),
    ]);
  });

  test.each(['', 'x', 's1_2', 'sbm_MS4x', 'sbx_', 'sbx_MDE', 'sbx_MQ=='])(
    'when since is %j -> 400 Invalid stream token',
    async (since) => {
      const alice = aClient(await aSandbox(), 'alice');
      expect(await alice.request('GET', `/sync?since=${since}`)).toMatchObject({
        status: 400,
        body: { errcode: 'M_UNKNOWN', error: 'Invalid stream token' },
      });
    },
  );

  test('when to-device messages were delivered -> the next since deletes them, a repeated one does not', async () => {
    const { alice, bob } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    await bob.put('/sendToDevice/x/1', { messages: { [alice.userId]: { '*': { a: 1 } } } });
    const first = await alice.sync({ since, ...quiet });
    expect(first.to_device.events).toEqual([{ type: 'x', sender: bob.userId, content: { a: 1 } }]);
    expect((await alice.sync({ since, ...quiet })).to_device.events).toHaveLength(1);
    await alice.sync({ since: first.next_batch, ...quiet });
    expect((await alice.sync({ since, ...quiet })).to_device.events).toEqual([]);
  });
});

describe('what is told besides history', () => {
  const typing = async (client: Client, roomId: string, since: string) =>
    (await client.sync({ since, ...quiet })).rooms.join[roomId]?.ephemeral.events;

  test('when somebody types and stops -> both are told', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const { next_batch: since } = await alice.sync(quiet);
    homeserver.setTyping(bob.userId, roomId, true);
    expect(await typing(alice, roomId, since)).toEqual([
      { type: 'm.typing', content: { user_ids: [bob.userId] } },
    ]);
    homeserver.setTyping(bob.userId, roomId, false);
    expect(await typing(alice, roomId, since)).toEqual([{ type: 'm.typing', content: { user_ids: [] } }]);
  });

  test('when a receipt is private -> only its owner gets it', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const { eventId } = homeserver.say(bob.userId, roomId, 'hi');
    await bob.post(`/rooms/${roomId}/receipt/m.read.private/${encodeURIComponent(eventId)}`);
    const receiptsOf = async (client: Client) =>
      (await client.sync(quiet)).rooms.join[roomId]?.ephemeral.events;
    expect(await receiptsOf(alice)).toEqual([]);
    const content = { [eventId]: { 'm.read.private': { [bob.userId]: { ts: expect.any(Number) } } } };
    expect(await receiptsOf(bob)).toEqual([{ type: 'm.receipt', content }]);
  });

  test('when presence is told -> sender on top, offline ones only as a change, strangers never', async () => {
    const { sandbox, homeserver, alice, bob } = await aSharedRoom();
    const carol = aClient(sandbox, 'carol');
    homeserver.setPresence(bob.userId, 'offline');
    homeserver.setPresence(carol.userId, 'online');
    const first = await alice.sync(quiet);
    expect(first.presence.events).toEqual([]);
    homeserver.setPresence(bob.userId, 'online', 'tea time');
    const { presence } = await alice.sync({ since: first.next_batch, ...quiet });
    const content = { presence: 'online', status_msg: 'tea time', currently_active: true };
    expect(presence.events).toEqual([
      {
        type: 'm.presence',
        sender: bob.userId,
        content: { ...content, last_active_ago: expect.any(Number) },
      },
    ]);
  });

  test('when a user syncs -> online to others, unless set_presence is offline', async () => {
    const { homeserver, alice, bob } = await aSharedRoom();
    await alice.sync(quiet);
    expect(homeserver.user(alice.userId).presence).toBeUndefined();
    await alice.sync();
    const status = await bob.get(`/presence/${alice.userId}/status`);
    expect(status).toMatchObject({ presence: 'online' });
  });

  test('when a filter is stored -> its id serves as well', async () => {
    const { alice, roomId } = await aSharedRoom();
    const filter = { room: { timeline: { types: [] }, state: { types: ['m.room.name'] } } };
    const { filter_id: filterId } = await alice.post<{ filter_id: string }>(
      `/user/${alice.userId}/filter`,
      filter,
    );
    const { rooms } = await alice.sync({ filter: filterId });
    expect(rooms.join[roomId]?.timeline.events).toEqual([]);
    expect(rooms.join[roomId]?.state.events.map(({ type }) => type)).toEqual(['m.room.name']);
  });
});

describe('the format of events', () => {
  test('when another device sent it -> no transaction_id; the own one gets it', async () => {
    const { sandbox, bob, roomId } = await aSharedRoom();
    const otherDevice = aClient(sandbox, 'bob');
    const { event_id: eventId } = await bob.put(`/rooms/${roomId}/send/m.room.message/txn1`, { body: 'hi' });
    const own = (await bob.sync()).rooms.join[roomId]?.timeline.events.at(-1);
    expect(own).toMatchObject({
      event_id: eventId,
      unsigned: { transaction_id: 'txn1', membership: 'join' },
    });
    expect(own).not.toHaveProperty('room_id');
    const other = (await otherDevice.sync()).rooms.join[roomId]?.timeline.events.at(-1);
    expect(other?.unsigned).not.toHaveProperty('transaction_id');
  });

  test('when state is replaced -> prev_content and replaces_state', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const before = homeserver.room(roomId).stateEvent('m.room.name', '');
    homeserver.send(bob.userId, roomId, { type: 'm.room.name', stateKey: '', content: { name: 'Coffee' } });
    const event = (await alice.sync()).rooms.join[roomId]?.timeline.events.at(-1);
    expect(event?.unsigned).toMatchObject({ prev_content: { name: 'Tea' }, replaces_state: before?.eventId });
  });

  test('when redacted -> pruned, with the redaction inside', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const { eventId } = homeserver.say(bob.userId, roomId, 'oops');
    await bob.put(`/rooms/${roomId}/redact/${encodeURIComponent(eventId)}/1`, { reason: 'typo' });
    const [target, redaction] = (await alice.sync()).rooms.join[roomId]?.timeline.events.slice(-2) ?? [];
    expect(target).toMatchObject({ event_id: eventId, content: {} });
    expect(target?.unsigned?.redacted_because).toMatchObject({
      event_id: redaction?.event_id,
      content: { reason: 'typo', redacts: eventId },
      redacts: eventId,
    });
    expect(target?.unsigned?.redacted_because).not.toHaveProperty('room_id');
  });

  test('when somebody is ignored -> their messages are gone, their state is not', async () => {
    const { homeserver, alice, bob, roomId } = await aSharedRoom();
    const ignored = { ignored_users: { [bob.userId as UserId]: {} } };
    homeserver.setAccountData(alice.userId, 'm.ignored_user_list', ignored);
    const { next_batch: since } = await alice.sync(quiet);
    homeserver.say(bob.userId, roomId, 'noise');
    homeserver.send(bob.userId, roomId, { type: 'm.room.topic', stateKey: '', content: { topic: 'x' } });
    const { rooms } = await alice.sync({ since, ...quiet });
    expect(rooms.join[roomId]?.timeline.events.map(({ type }) => type)).toEqual(['m.room.topic']);
  });
});
