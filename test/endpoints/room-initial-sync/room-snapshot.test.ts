// GET /rooms/{roomId}/initialSync through real sockets, in front of the sandbox: what is told of a room's members, and
// what a user who left is told.

import { beforeEach, describe, expect, test } from 'vitest';
import type { RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import { useSandboxStage } from '../../support/sandbox/sandbox-stage.ts';

const stage = useSandboxStage();

interface Snapshot {
  membership?: string;
  messages: { chunk: { event_id: string }[]; start: string; end: string };
  presence: { content: { user_id: string; presence: string } }[];
  account_data: { type: string }[];
}

let host: UserId;
let me: UserId;
let accessToken: string;

beforeEach(() => {
  const { homeserver } = stage.sandbox;
  const serial = homeserver.users.size;
  host = homeserver.createUser(`host${serial}`);
  me = homeserver.createUser(`me${serial}`);
  ({ accessToken } = homeserver.login(me));
});

function aRoom(members: number, visibility = 'shared'): RoomId {
  const { homeserver } = stage.sandbox;
  const content = { history_visibility: visibility };
  const state = { type: 'm.room.history_visibility', state_key: '', content };
  const roomId = homeserver.createRoom(host, { preset: 'public_chat', initial_state: [state] });
  homeserver.join(me, roomId);
  for (let i = 2; i < members; i += 1) {
    const userId = homeserver.createUser(`member${homeserver.users.size}`);
    homeserver.join(userId, roomId);
  }
  return roomId;
}

async function request(method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${stage.gateway.url}/_matrix/client/${path}`, {
    method,
    headers: { authorization: `Bearer ${accessToken}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function look(roomId: RoomId): Promise<Snapshot> {
  const response = await request('GET', `r0/rooms/${encodeURIComponent(roomId)}/initialSync?limit=5`);
  expect(response.status).toBe(200);
  return (await response.json()) as Snapshot;
}

const presencesAsked = (): number =>
  stage.sandbox.requests.filter(({ url }) => url.includes('/presence/')).length;

describe('presence of members', () => {
  test('a room of 50 -> that of all, each asked for once', async () => {
    const roomId = aRoom(50);
    const before = presencesAsked();
    const { presence } = await look(roomId);
    expect(new Set(presence.map(({ content }) => content.user_id)).size).toBe(50);
    expect(presencesAsked() - before).toBe(50);
  });

  // Differs: no-presence-in-large-rooms
  test('a room of 51 -> that of nobody, and nobody is asked about', async () => {
    const roomId = aRoom(51);
    const before = presencesAsked();
    expect((await look(roomId)).presence).toEqual([]);
    expect(presencesAsked() - before).toBe(0);
  });
});

describe('a user who left', () => {
  async function leaveWithData(roomId: RoomId): Promise<void> {
    const path = `v3/user/${encodeURIComponent(me)}/rooms/${encodeURIComponent(roomId)}`;
    expect((await request('PUT', `${path}/tags/m.favourite`, {})).status).toBe(200);
    expect((await request('PUT', `${path}/account_data/org.example`, { a: 1 })).status).toBe(200);
    stage.sandbox.homeserver.leave(me, roomId);
  }

  // Differs: left-rooms-have-tags-only
  test('his account data of the room -> the tags alone', async () => {
    const roomId = aRoom(2);
    await leaveWithData(roomId);
    const { membership, account_data } = await look(roomId);
    expect(membership).toBe('leave');
    expect(account_data.map(({ type }) => type)).toEqual(['m.tag']);
  });

  // Differs: own-end-token-of-left-rooms
  test('the end of its messages -> a token of ours, from which nothing comes again', async () => {
    const roomId = aRoom(2);
    stage.sandbox.homeserver.say(host, roomId, 'before');
    stage.sandbox.homeserver.leave(me, roomId);
    const { messages } = await look(roomId);
    expect(messages.end).toMatch(/^hsr1\./);
    const further = await request(
      'GET',
      `r0/rooms/${encodeURIComponent(roomId)}/messages?dir=f&from=${messages.end}`,
    );
    expect(((await further.json()) as { chunk: unknown[] }).chunk).toEqual([]);
  });

  // Differs: forgotten-rooms-look-left
  test('and forgot it, where the world may read and nothing happened since -> as one that he left', async () => {
    const roomId = aRoom(2, 'world_readable');
    stage.sandbox.homeserver.leave(me, roomId);
    stage.sandbox.homeserver.forget(me, roomId);
    expect((await look(roomId)).membership).toBe('leave');
    stage.sandbox.homeserver.say(host, roomId, 'since');
    expect(await look(roomId)).not.toHaveProperty('membership');
  });
});
