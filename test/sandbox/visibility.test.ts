import { describe, expect, test } from 'vitest';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { aClient, aSandbox, bodiesOf } from '../support/sandbox/sandbox-client.ts';

const NO_PREVIEW = (userId: string, roomId: string): string =>
  `User ${userId} not in room ${roomId}, and room previews are disabled`;

/** Bob's room with this history visibility, in which something was said; Alice has no part in it yet. */
async function aRoom(visibility: string) {
  const sandbox = await aSandbox();
  const { homeserver } = sandbox;
  const alice = aClient(sandbox, 'alice');
  const bob = aClient(sandbox, 'bob');
  const content = { history_visibility: visibility };
  const roomId = homeserver.createRoom(bob.userId, {
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.history_visibility', content }],
  });
  const said = homeserver.say(bob.userId, roomId, 'before');
  const read = async () => bodiesOf(await alice.readAll(roomId, { dir: 'b' })).toReversed();
  return { sandbox, homeserver, alice, bob, roomId, said, read };
}

describe('what a new member sees of the past', () => {
  test.each([
    { visibility: 'world_readable', expected: ['before', 'invited', 'joined'] },
    { visibility: 'shared', expected: ['before', 'invited', 'joined'] },
    { visibility: 'invited', expected: ['invited', 'joined'] },
    { visibility: 'joined', expected: ['joined'] },
  ])('when the history is $visibility -> $expected', async ({ visibility, expected }) => {
    const { homeserver, alice, bob, roomId, read } = await aRoom(visibility);
    homeserver.invite(bob.userId, roomId, alice.userId);
    homeserver.say(bob.userId, roomId, 'invited');
    homeserver.join(alice.userId, roomId);
    homeserver.say(bob.userId, roomId, 'joined');
    expect(await read()).toEqual(expected);
    expect(bodiesOf((await alice.sync()).rooms.join[roomId]?.timeline.events)).toEqual(expected);
  });
});

describe('who has no part in a room', () => {
  const paths = ['messages?dir=b', 'messages?dir=f', 'state', 'state/m.room.name', 'members'];
  const refusals = paths.flatMap((path) => [
    { path, who: 'a stranger' },
    { path, who: 'an invited user' },
    { path, who: 'a banned user' },
    { path, who: 'who forgot it' },
  ]);
  test.each(refusals)(
    'when $who asks for $path of a shared room -> 403 in the words of Synapse',
    async ({ path, who }) => {
      const { homeserver, alice, bob, roomId } = await aRoom('shared');
      if (who === 'an invited user') homeserver.invite(bob.userId, roomId, alice.userId);
      if (who === 'a banned user') homeserver.ban(bob.userId, roomId, alice.userId);
      if (who === 'who forgot it') {
        homeserver.join(alice.userId, roomId);
        homeserver.leave(alice.userId, roomId);
        homeserver.forget(alice.userId, roomId);
      }
      expect(await alice.request('GET', `/rooms/${roomId}/${path}`)).toMatchObject({
        status: 403,
        body: { errcode: 'M_FORBIDDEN', error: NO_PREVIEW(alice.userId, roomId) },
      });
    },
  );

  test('when the room is unknown -> the same words', async () => {
    const alice = aClient(await aSandbox(), 'alice');
    const { body } = await alice.request('GET', '/rooms/!nowhere/messages?dir=b');
    expect(body).toMatchObject({ error: NO_PREVIEW(alice.userId, '!nowhere') });
  });

  test('when a guest looks into a world-readable room -> history, state and single events', async () => {
    const { sandbox, roomId, said } = await aRoom('world_readable');
    const guest = aClient(sandbox, '1', { isGuest: true });
    expect(bodiesOf(await guest.readAll(roomId, { dir: 'b' }))).toEqual(['before']);
    const event = await guest.get(`/rooms/${roomId}/event/${said.eventId}`);
    expect(event).toMatchObject({ room_id: roomId, unsigned: { membership: 'leave' } });
    expect(await guest.get(`/rooms/${roomId}/state/m.room.history_visibility`)).toEqual({
      history_visibility: 'world_readable',
    });
    expect(await guest.get(`/_matrix/client/v1/room_summary/${roomId}`)).toMatchObject({
      world_readable: true,
    });
  });

  test('when banned from a world-readable room -> it can be read like by anybody, as in Synapse', async () => {
    const { homeserver, alice, bob, roomId, read } = await aRoom('world_readable');
    homeserver.ban(bob.userId, roomId, alice.userId);
    expect(await read()).toEqual(['before']);
  });

  test('when a page holds only what may not be seen -> an empty chunk with an end', async () => {
    const { homeserver, alice, bob, roomId } = await aRoom('shared');
    const open = { history_visibility: 'world_readable' };
    homeserver.send(bob.userId, roomId, { type: 'm.room.history_visibility', stateKey: '', content: open });
    homeserver.say(bob.userId, roomId, 'open');
    const page = await alice.get<{ chunk: []; end?: string }>(`/rooms/${roomId}/messages?dir=f&limit=2`);
    expect(page).toMatchObject({ chunk: [], end: expect.stringMatching(/^sbm_/) });
    expect(bodiesOf(await alice.readAll(roomId, { dir: 'f', limit: 2 }))).toEqual(['open']);
  });
});

describe('a single event', () => {
  const ask = async (world: { alice: ReturnType<typeof aClient>; roomId: RoomId }, path: string) => {
    const { status, body } = await world.alice.request('GET', `/rooms/${world.roomId}/${path}`);
    return { status, errcode: body['errcode'] };
  };

  test('when it is hidden from a member -> 404 as an event, 403 as a context', async () => {
    const world = await aRoom('joined');
    world.homeserver.join(world.alice.userId, world.roomId);
    const { eventId } = world.said;
    expect(await ask(world, `event/${eventId}`)).toEqual({ status: 404, errcode: 'M_NOT_FOUND' });
    expect(await ask(world, `context/${eventId}`)).toEqual({ status: 403, errcode: 'M_FORBIDDEN' });
  });

  test('when it is in another room, or nowhere -> 404', async () => {
    const world = await aRoom('shared');
    world.homeserver.join(world.alice.userId, world.roomId);
    const elsewhere = world.homeserver.say(
      world.bob.userId,
      world.homeserver.createRoom(world.bob.userId),
      'x',
    );
    for (const id of [elsewhere.eventId, '$nowhere'])
      for (const path of ['event', 'context'])
        expect(await ask(world, `${path}/${id}`)).toEqual({ status: 404, errcode: 'M_NOT_FOUND' });
  });
});

test('when who left asks for the state -> that of the leave', async () => {
  const { homeserver, alice, bob, roomId } = await aRoom('shared');
  homeserver.join(alice.userId, roomId);
  homeserver.send(bob.userId, roomId, { type: 'm.room.name', stateKey: '', content: { name: 'then' } });
  homeserver.leave(alice.userId, roomId);
  homeserver.send(bob.userId, roomId, { type: 'm.room.name', stateKey: '', content: { name: 'now' } });
  expect(await alice.get(`/rooms/${roomId}/state/m.room.name/`)).toEqual({ name: 'then' });
});
