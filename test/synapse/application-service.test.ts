// A bridge of 2015 to 2018 and its own bot, on a Synapse that has none of the old API.

import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { legacySyncPaths, startBlocker, wholeOfV1, type Blocker } from '../support/synapse/blocker.ts';
import { clientAt, register, type Client, type Json, type User } from '../support/synapse/synapse-client.ts';

const { url, behindGatewayUrl, serverName, asToken } = inject('synapse');
let blocker: Blocker;
let gateway: GatewayProcess;
let alice: User;
let roomId: string;
/** The application service at the homeserver, and through the gateway. */
let native: Client;
let ours: Client;

beforeAll(async () => {
  blocker = await startBlocker(behindGatewayUrl, [...legacySyncPaths, ...wholeOfV1]);
  gateway = await startGatewayProcess({ name: 'bridge', homeserverUrl: blocker.url, logs: inject('logs') });
  native = clientAt(url, { accessToken: asToken });
  ours = clientAt(gateway.url, { accessToken: asToken });
  alice = await register(url, 'bridge-alice');
  const room = { preset: 'public_chat', name: 'Tea', room_version: '10' };
  ({ room_id: roomId } = await clientAt(url, alice).post('v3/createRoom', room));
  await native.request('POST', 'v3/register', {
    body: { type: 'm.login.application_service', username: 'ircbot' },
  });
  await native.post(`v3/join/${encodeURIComponent(roomId)}`, {});
  for (const body of ['1', '2', '3'])
    await clientAt(url, alice).put(`v3/rooms/${roomId}/send/m.room.message/${body}`, {
      msgtype: 'm.text',
      body,
    });
});
afterAll(async () => {
  await gateway.stop();
  await blocker.close();
  expect(blocker.blockedCalls).toEqual([]);
});

describe('users of a bridge', () => {
  test.each([
    { prefix: 'api/v1', body: { type: 'm.login.application_service', user: 'irc_a' } },
    { prefix: 'v2_alpha', body: { username: 'irc_b' } },
    { prefix: 'r0', body: { username: 'irc_c' } },
  ])('$prefix/register of $body -> registered, with home_server', async ({ prefix, body }) => {
    expect(await ours.post(`${prefix}/register`, body)).toMatchObject({ home_server: serverName });
  });

  test('POST api/v1 send with ts -> at that time', async () => {
    const query = { user_id: `@irc_ts:${serverName}` };
    await native.post('v3/register', { type: 'm.login.application_service', username: 'irc_ts' });
    await native.post(`v3/join/${encodeURIComponent(roomId)}`, {}, query);
    const path = `api/v1/rooms/${roomId}/send/m.room.message`;
    const sent = await ours.post(path, { msgtype: 'm.text', body: 'old' }, { ...query, ts: 1420070400000 });
    const event = await native.read(`v3/rooms/${roomId}/event/${sent.event_id}`);
    expect([event.origin_server_ts, event.sender]).toEqual([1420070400000, query.user_id]);
  });
});

describe('the own bot', () => {
  const idsOf = (events: Json): string[] => events.map((event: Json) => event.event_id);
  const shown = (room: Json): object => ({
    room_id: room.room_id,
    membership: room.membership,
    visibility: room.visibility,
    chunk: idsOf(room.messages.chunk),
    state: idsOf(room.state).toSorted(),
  });

  test('initialSync -> the rooms, their messages and state, as from Synapse itself', async () => {
    const query = { limit: 3 };
    const expected = await native.read('api/v1/initialSync', query);
    const answer = await ours.read('api/v1/initialSync', query);
    expect(answer.rooms.map(shown)).toEqual(expected.rooms.map(shown));
    expect(answer.end).toMatch(/^s\d+/);
  });

  test('rooms/…/initialSync -> as from Synapse itself, and its start pages back', async () => {
    const path = `r0/rooms/${roomId}/initialSync`;
    const answer = await ours.read(path, { limit: 2 });
    expect(shown(answer)).toEqual(shown(await native.read(path, { limit: 2 })));
    const query = { dir: 'b', limit: 1, from: answer.messages.start };
    const { chunk } = await ours.read(`r0/rooms/${roomId}/messages`, query);
    expect(chunk).toHaveLength(1);
    expect(idsOf(answer.messages.chunk)).not.toContain(chunk[0].event_id);
  });

  test('events without from -> now, and nothing', async () => {
    const { start, end, chunk } = await ours.read('api/v1/events', { timeout: 0 });
    expect([end, chunk]).toEqual([start, []]);
    expect(start).toMatch(/^s\d+/);
  });
});
