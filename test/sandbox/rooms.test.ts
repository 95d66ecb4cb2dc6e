import { describe, expect, test } from 'vitest';
import { aClient, aSandbox } from '../support/sandbox/sandbox-client.ts';

async function aWorld() {
  const sandbox = await aSandbox();
  const [alice, bob] = [aClient(sandbox, 'alice'), aClient(sandbox, 'bob')];
  return { sandbox, homeserver: sandbox.homeserver, alice, bob };
}

describe('making rooms', () => {
  test('when created with everything -> the state says so, the directory knows it, and others can join by alias', async () => {
    const { alice, bob } = await aWorld();
    const options = {
      preset: 'public_chat',
      visibility: 'public',
      name: 'Tea',
      topic: 'Hot',
      room_alias_name: 'tea',
    };
    const { room_id: roomId } = await bob.post<{ room_id: string }>('/createRoom', options);
    const alias = encodeURIComponent('#tea:sandbox.test');
    expect(await alice.get(`/directory/room/${alias}`)).toMatchObject({ room_id: roomId });
    expect(await alice.get(`/directory/list/room/${roomId}`)).toEqual({ visibility: 'public' });
    expect(await alice.get('/publicRooms')).toMatchObject({
      chunk: [{ room_id: roomId, name: 'Tea', topic: 'Hot' }],
    });
    expect(await alice.post(`/join/${alias}`)).toEqual({ room_id: roomId });
    expect(await alice.get('/joined_rooms')).toEqual({ joined_rooms: [roomId] });
    const { joined } = await alice.get<{ joined: object }>(`/rooms/${roomId}/joined_members`);
    expect(Object.keys(joined)).toEqual([bob.userId, alice.userId]);
  });

  test.each([
    { version: '1', room: /^![\w-]+:sandbox\.test$/, event: /^\$[\w-]+:sandbox\.test$/ },
    { version: '3', room: /^![\w-]+:sandbox\.test$/, event: /^\$[\w+/]{43}$/ },
    { version: '11', room: /^![\w-]+:sandbox\.test$/, event: /^\$[\w-]{43}$/ },
    { version: '12', room: /^![\w-]{43}$/, event: /^\$[\w-]{43}$/ },
  ])('when the version is $version -> its ids, and they work in paths', async ({ version, room, event }) => {
    const { bob, homeserver } = await aWorld();
    const { room_id: roomId } = await bob.post<{ room_id: string }>('/createRoom', { room_version: version });
    expect(roomId).toMatch(room);
    const sent = await bob.put<{ event_id: string }>(`/rooms/${encodeURIComponent(roomId)}/send/x/1`, {
      a: 1,
    });
    expect(sent.event_id).toMatch(event);
    const path = `/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(sent.event_id)}`;
    expect(await bob.get(path)).toMatchObject({ content: { a: 1 } });
    expect(homeserver.room(roomId as never).version).toBe(version);
  });
});

describe('coming and going', () => {
  test.each([
    { does: 'join uninvited', path: 'join', status: 403 },
    { does: 'invite', path: 'invite', status: 403 },
    { does: 'leave without being in', path: 'leave', status: 403 },
    { does: 'kick', path: 'kick', status: 403 },
  ])('when a stranger wants to $does -> $status', async ({ path, status }) => {
    const { homeserver, alice, bob } = await aWorld();
    const roomId = homeserver.createRoom(bob.userId);
    const body = { user_id: bob.userId };
    expect(await alice.request('POST', `/rooms/${roomId}/${path}`, { body })).toMatchObject({ status });
  });

  test('when invited, joined, kicked, banned, unbanned, forgotten -> each step works and is seen in state', async () => {
    const { homeserver, alice, bob } = await aWorld();
    const roomId = homeserver.createRoom(bob.userId);
    const membership = () => homeserver.room(roomId).membership(alice.userId);
    const target = { user_id: alice.userId };
    const seen: string[] = [];
    for (const [client, path] of [
      [bob, 'invite'],
      [alice, 'join'],
      [bob, 'kick'],
      [bob, 'ban'],
      [bob, 'unban'],
      [alice, 'forget'],
    ] as const) {
      await client.post(`/rooms/${roomId}/${path}`, client === bob ? target : {});
      seen.push(membership());
    }
    expect(seen).toEqual(['invite', 'join', 'leave', 'ban', 'leave', 'leave']);
    expect(homeserver.user(alice.userId).forgotten).toContain(roomId);
  });

  test('when a member without power changes the name -> 403; sends a message -> 200', async () => {
    const { homeserver, alice, bob } = await aWorld();
    const roomId = homeserver.createRoom(bob.userId, { preset: 'public_chat' });
    homeserver.join(alice.userId, roomId);
    const name = { body: { name: 'mine' } };
    expect(await alice.request('PUT', `/rooms/${roomId}/state/m.room.name`, name)).toMatchObject({
      status: 403,
    });
    await alice.put(`/rooms/${roomId}/send/m.room.message/1`, { body: 'hi' });
  });
});

test('when a transaction is repeated -> the same event, once', async () => {
  const { homeserver, bob } = await aWorld();
  const roomId = homeserver.createRoom(bob.userId);
  const send = () => bob.put(`/rooms/${roomId}/send/m.room.message/txn`, { body: 'hi' });
  const [first, second] = [await send(), await send()];
  expect(second).toEqual(first);
  expect(
    homeserver.room(roomId).timeline.byArrival.filter(({ type }) => type === 'm.room.message'),
  ).toHaveLength(1);
});

describe('what users keep', () => {
  test('when tags are set and removed -> /tags says so', async () => {
    const { homeserver, bob } = await aWorld();
    const path = `/user/${bob.userId}/rooms/${homeserver.createRoom(bob.userId)}/tags`;
    await bob.put(`${path}/m.favourite`, { order: 0.5 });
    await bob.put(`${path}/u.work`, {});
    await bob.request('DELETE', `${path}/u.work`);
    expect(await bob.get(path)).toEqual({ tags: { 'm.favourite': { order: 0.5 } } });
  });

  test('when the name changes -> the profile has it, and the rooms', async () => {
    const { homeserver, alice, bob } = await aWorld();
    const roomId = homeserver.createRoom(bob.userId);
    await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Bob' });
    expect(await alice.get(`/profile/${bob.userId}`)).toEqual({ displayname: 'Bob' });
    expect(homeserver.room(roomId).membershipEvent(bob.userId)?.content).toEqual({
      displayname: 'Bob',
      membership: 'join',
    });
  });

  test('when acting for somebody else -> 403', async () => {
    const { alice, bob } = await aWorld();
    const path = `/user/${bob.userId}/account_data/x`;
    expect(await alice.request('PUT', path, { body: {} })).toMatchObject({ status: 403 });
  });
});

test('when media is uploaded -> it comes back byte for byte, by the new path and the old', async () => {
  const { sandbox, alice } = await aWorld();
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 256));
  const headers = { authorization: `Bearer ${sandbox.accessTokens[0]}`, 'content-type': 'image/x-test' };
  const uploaded = await fetch(`${sandbox.url}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers,
    body: bytes,
  });
  const { content_uri: uri } = (await uploaded.json()) as { content_uri: string };
  const id = uri.slice('mxc://'.length);
  for (const path of ['client/v1/media/download', 'media/v3/download', 'media/r0/download']) {
    const response = await fetch(`${sandbox.url}/_matrix/${path}/${id}/name.png`, { headers });
    expect(response.headers.get('content-type')).toBe('image/x-test');
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
  }
  expect(await alice.request('GET', '/_matrix/media/v3/download/elsewhere/x')).toMatchObject({ status: 404 });
});
