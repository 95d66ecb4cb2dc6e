// What a real Conduit did to old clients, story by story, as the sandbox plays it (docs/homeservers.md). The law
// (test/law) covers what is lost and what comes twice.

import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { createTestSandbox } from '../support/sandbox/test-sandbox.ts';
import { startGateway } from '../support/gateway.ts';
import { useSandboxStage } from '../support/sandbox/sandbox-stage.ts';

const stage = useSandboxStage({ plays: 'conduit', each: true });

interface Events {
  start: string;
  end: string;
  chunk: { event_id: EventId; type: string; age: number; content: { membership?: string } }[];
}

let host: UserId;
let me: UserId;
let accessToken: string;

beforeEach(() => {
  const { homeserver } = stage.sandbox;
  host = homeserver.createUser('host');
  me = homeserver.createUser('me');
  ({ accessToken } = homeserver.login(me));
});

function aJoinedRoom(): RoomId {
  const roomId = stage.sandbox.homeserver.createRoom(host, { preset: 'public_chat' });
  stage.sandbox.homeserver.join(me, roomId);
  return roomId;
}

async function get<Body>(path: string, at = stage.gateway.url): Promise<Body> {
  const response = await fetch(`${at}/_matrix/client/r0${path}`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
}

const now = async () => (await get<Events>('/events?timeout=0')).end;
const idsIn = ({ chunk }: Events) => chunk.map(({ event_id }) => event_id).filter((id) => id !== undefined);
const say = (roomId: RoomId, body = 'hi') => stage.sandbox.homeserver.say(host, roomId, body).eventId;

/** All events from here on. */
async function follow(from: string, limit = 100): Promise<EventId[]> {
  const received: EventId[] = [];
  for (let next = from; ;) {
    const answer = await get<Events>(`/events?from=${next}&limit=${limit}&timeout=0`);
    received.push(...idsIn(answer));
    if (answer.end === next) return received;
    next = answer.end;
  }
}

test('story 9: its default configuration, without federation -> recognised, and every endpoint answers', async () => {
  stage.sandbox.faults.isFederating = false;
  const other = await startGateway(stage.sandbox.url);
  onTestFinished(() => other.close());
  const room = encodeURIComponent(aJoinedRoom());
  for (const path of [
    '/events?timeout=0',
    '/initialSync',
    `/rooms/${room}/initialSync`,
    `/events?room_id=${room}&timeout=0`,
  ])
    await get(path, other.url);
  // Junk would mean everything from the beginning to Conduit: recognised, it is refused.
  const headers = { authorization: `Bearer ${accessToken}` };
  const junk = await fetch(`${other.url}/_matrix/client/r0/events?from=junk&timeout=0`, { headers });
  expect(junk.status).toBe(400);
});

test.each([1, 100])(
  'story 14: others write while the answer is made, limit %i -> each event once',
  async (limit) => {
    const rooms = [aJoinedRoom(), aJoinedRoom()];
    const from = await now();
    const sent: EventId[] = rooms.map((roomId) => say(roomId));
    let left = 6;
    stage.sandbox.faults.betweenNextBatchAndTimelines = () => {
      if (left > 0) sent.push(...rooms.map((roomId) => say(roomId)));
      left -= 1;
    };
    const received = await follow(from, limit);
    received.push(...(await follow(await now())));
    expect(received.toSorted()).toEqual(sent.toSorted());
  },
);

test.each([
  ['leave', () => stage.sandbox.homeserver.leave],
  ['kick', () => (_me: UserId, roomId: RoomId) => stage.sandbox.homeserver.kick(host, roomId, me)],
])(
  'story 15: an own %s, which it gives in `state` alone -> delivered, after what came before it',
  async (_what, how) => {
    const roomId = aJoinedRoom();
    const from = await now();
    const missed = [say(roomId), say(roomId), how()(me, roomId).eventId];
    say(roomId, 'after');
    expect(await follow(from)).toEqual(missed);
  },
);

test('story 15: an own ban -> delivered', async () => {
  const roomId = aJoinedRoom();
  const from = await now();
  const ban = stage.sandbox.homeserver.ban(host, roomId, me).eventId;
  expect(await follow(from)).toContain(ban);
});

test('story 15: an invite that was declined -> the leave is delivered, though nothing of the room can be read', async () => {
  const roomId = stage.sandbox.homeserver.createRoom(host, { preset: 'private_chat' });
  stage.sandbox.homeserver.invite(host, roomId, me);
  const from = await now();
  const left = stage.sandbox.homeserver.leave(me, roomId).eventId;
  expect(await follow(from)).toEqual([left]);
});

test('story 16: it says that every event is 1 ms old -> the age is counted', async () => {
  let time = Date.now() - 60_000;
  const old = await createTestSandbox({ kind: 'conduit', now: () => time });
  const other = await startGateway(old.url);
  onTestFinished(async () => {
    await other.close();
    await old.close();
  });
  const [author, reader] = [old.homeserver.createUser('a'), old.homeserver.createUser('b')];
  ({ accessToken } = old.homeserver.login(reader));
  const roomId = old.homeserver.createRoom(author, { preset: 'public_chat' });
  old.homeserver.join(reader, roomId);
  const { end } = await get<Events>('/events?timeout=0', other.url);
  old.homeserver.say(author, roomId, 'a minute ago');
  time = Date.now();

  const agesIn = ({ chunk }: Events) => chunk.map(({ age }) => age);
  const polled = agesIn(await get<Events>(`/events?from=${end}&timeout=0`, other.url));
  const path = `/rooms/${encodeURIComponent(roomId)}/initialSync?limit=1`;
  const looked = agesIn((await get<{ messages: Events }>(path, other.url)).messages);
  const { rooms } = await get<{ rooms: { messages: Events }[] }>('/initialSync', other.url);
  const initial = agesIn(rooms[0]?.messages as Events);

  for (const ages of [polled, looked, initial.slice(-1)]) {
    expect(ages).toHaveLength(1);
    expect(ages[0]).toBeGreaterThanOrEqual(60_000);
  }
});

test('story 13: left rooms in every initial sync -> told where archived rooms are asked for, and nowhere else', async () => {
  const [stays, left] = [aJoinedRoom(), aJoinedRoom()];
  stage.sandbox.homeserver.leave(me, left);
  const roomsIn = async (path: string) =>
    (await get<{ rooms: { room_id: RoomId; membership: string }[] }>(path)).rooms.map(
      ({ room_id, membership }) => [room_id, membership],
    );
  expect(await roomsIn('/initialSync')).toEqual([[stays, 'join']]);
  expect((await roomsIn('/initialSync?archived=true')).toSorted()).toEqual(
    [
      [stays, 'join'],
      [left, 'leave'],
    ].toSorted(),
  );
});

test.each([0, 1, 3, 10, 50])(
  'story 16: /initialSync?limit=%i, where ten come -> no more than that, and the rest by paging back',
  async (limit) => {
    const roomId = aJoinedRoom();
    const said = Array.from({ length: 15 }, (_, i) => say(roomId, `${i}`));
    const { rooms } = await get<{ rooms: { messages: Events }[] }>(`/initialSync?limit=${limit}`);
    const { messages } = rooms[0] as { messages: Events };
    const shown = Math.min(limit, 10);
    expect(idsIn(messages)).toEqual(limit === 0 ? [] : said.slice(-shown));
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=3&from=${messages.start}`;
    expect(idsIn(await get<Events>(path))).toEqual(
      said
        .slice(0, 15 - shown)
        .slice(-3)
        .toReversed(),
    );
  },
);

test.each(['api/v1', 'r0', 'v2_alpha'])(
  'story 17: %s/login with `Bearer None`, which is 401 there -> logged in',
  async (prefix) => {
    stage.sandbox.homeserver.createUser('old', { password: 'p' });
    const logIn = (url: string) =>
      fetch(`${url}/login`, {
        method: 'POST',
        headers: { authorization: 'Bearer None' },
        body: JSON.stringify({ type: 'm.login.password', user: 'old', password: 'p' }),
      });
    expect((await logIn(`${stage.sandbox.url}/_matrix/client/r0`)).status).toBe(401);
    const answer = await logIn(`${stage.gateway.url}/_matrix/client/${prefix}`);
    expect([answer.status, await answer.json()]).toMatchObject([200, { access_token: expect.any(String) }]);
  },
);
