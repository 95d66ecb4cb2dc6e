// Who was, is, or may no longer be in a room that the world may read: what he is shown of it, and from when on.

import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { EventId, RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import { useSandboxStage } from '../../support/sandbox/sandbox-stage.ts';

const stage = useSandboxStage({ settings: { peekFastestMs: 20, peekSlowestMs: 50 } });

interface Events {
  start: string;
  end: string;
  chunk: { event_id: EventId; room_id: RoomId }[];
}
interface Snapshot {
  membership?: string;
  messages: Events;
}

let host: UserId;
let me: UserId;
let accessToken: string;
let roomId: RoomId;

beforeEach(() => {
  const { homeserver } = stage.sandbox;
  const serial = homeserver.users.size;
  host = homeserver.createUser(`host${serial}`);
  me = homeserver.createUser(`me${serial}`);
  ({ accessToken } = homeserver.login(me));
  roomId = aRoom('world_readable');
});

function aRoom(visibility: string): RoomId {
  const content = { history_visibility: visibility };
  const state = { type: 'm.room.history_visibility', state_key: '', content };
  return stage.sandbox.homeserver.createRoom(host, { preset: 'public_chat', initial_state: [state] });
}

async function get<Body>(path: string): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${stage.gateway.url}/_matrix/client/r0${path}`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  return { status: response.status, body: (await response.json()) as Body };
}

const look = () => get<Snapshot>(`/rooms/${encodeURIComponent(roomId)}/initialSync?limit=5`);
const poll = (from = '', timeoutMs = 0) =>
  get<Events>(
    `/events?room_id=${encodeURIComponent(roomId)}&from=${encodeURIComponent(from)}&timeout=${timeoutMs}`,
  );
const say = (body: string) => stage.sandbox.homeserver.say(host, roomId, body).eventId;
const idsIn = ({ chunk }: Events) => chunk.map(({ event_id }) => event_id);

/** The events of polls from here on, until one is empty. */
async function follow(from = ''): Promise<EventId[]> {
  const received: EventId[] = [];
  for (let next = from; ;) {
    const { body } = await poll(next);
    if (body.chunk.length === 0) return received;
    received.push(...idsIn(body));
    next = body.end;
  }
}

describe('banned', () => {
  test.each([true, false])('after having joined: %s -> reads on as anybody does', async (hadJoined) => {
    if (hadJoined) stage.sandbox.homeserver.join(me, roomId);
    stage.sandbox.homeserver.ban(host, roomId, me);
    const newest = say('X');
    const { status, body } = await look();
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('membership');
    expect(idsIn(body.messages).at(-1)).toBe(newest);
    const later = say('Y');
    expect(await follow()).toEqual([later]);
  });

  test('where the world may not read -> 403', async () => {
    roomId = aRoom('shared');
    stage.sandbox.homeserver.join(me, roomId);
    stage.sandbox.homeserver.ban(host, roomId, me);
    expect([await look(), await poll()]).toMatchObject([{ status: 403 }, { status: 403 }]);
  });
});

describe('left', () => {
  test.each([
    ['by himself', () => stage.sandbox.homeserver.leave(me, roomId)],
    ['as he was kicked', () => stage.sandbox.homeserver.kick(host, roomId, me)],
  ])(
    '%s, then looks and polls -> the room up to the leave, then all that came after it',
    async (_how, leave) => {
      stage.sandbox.homeserver.join(me, roomId);
      const left = leave().eventId;
      const sent = [say('X')];
      const { body } = await look();
      expect(body.membership).toBe('leave');
      expect(idsIn(body.messages).at(-1)).toBe(left);
      sent.push(say('Y'));
      const waiting = poll('', 5000);
      sent.push(say('Z'));

      const { body: first } = await waiting;
      const received = [...idsIn(first), ...(await follow(first.end))];

      expect(received).toEqual(sent);
      expect(await follow(body.messages.end)).toEqual(sent);
    },
  );

  test('he looks again -> from where he left off, again', async () => {
    stage.sandbox.homeserver.join(me, roomId);
    stage.sandbox.homeserver.leave(me, roomId);
    const missed = [say('X'), say('Y')];
    for (let reload = 0; reload < 2; reload += 1) {
      await look();
      expect(await follow()).toEqual(missed);
    }
  });

  test('and forgot it -> a peek: the whole room, no membership, a token of the stream', async () => {
    stage.sandbox.homeserver.join(me, roomId);
    stage.sandbox.homeserver.leave(me, roomId);
    stage.sandbox.homeserver.forget(me, roomId);
    const newest = say('X');
    const { body } = await look();
    expect(body).not.toHaveProperty('membership');
    expect(idsIn(body.messages).at(-1)).toBe(newest);
    expect(body.messages.end).toMatch(/^sbx_/);
    const between = say('Y');
    expect(await follow()).toEqual([between]);
  });

  test('a room that is closed to the world -> the room up to the leave; it cannot be followed', async () => {
    roomId = aRoom('shared');
    stage.sandbox.homeserver.join(me, roomId);
    const left = stage.sandbox.homeserver.leave(me, roomId).eventId;
    say('a secret');
    const { body } = await look();
    expect(body.membership).toBe('leave');
    expect(idsIn(body.messages).at(-1)).toBe(left);
    expect(await poll()).toMatchObject({ status: 403 });
  });

  test('after his stream had told of his join -> the snapshot ends at the leave, not where the stream was', async () => {
    const { body: now } = await get<Events>('/events?timeout=0');
    stage.sandbox.homeserver.join(me, roomId);
    const { body: told } = await get<Events>(`/events?timeout=0&from=${now.end}`);
    expect(told.chunk.length).toBeGreaterThan(0);
    say('in between');
    const left = stage.sandbox.homeserver.leave(me, roomId).eventId;
    const { body } = await look();
    expect(idsIn(body.messages).at(-1)).toBe(left);
  });
});

describe('joined', () => {
  test('the join is told by the stream while the room is read -> the snapshot has it', async () => {
    const { body: now } = await get<Events>('/events?timeout=0');
    // As on Dendrite: its state knows of the join, and its /sync not yet when *now* is asked for.
    const isJoined = { answer: { status: 200, body: { membership: 'join' } } };
    stage.sandbox.faults.on(/\/state\/m.room.member\//, isJoined, 1);
    const end = stage.sandbox.faults.on(/\/messages/, { delayMs: 300 }, 1);
    const looking = look();
    await vi.waitFor(() => expect(stage.sandbox.requests.at(-1)?.url).toContain('/messages'));
    const joined = stage.sandbox.homeserver.join(me, roomId).eventId;
    const { body: told } = await get<Events>(`/events?timeout=0&from=${now.end}`);
    expect(idsIn(told)).toContain(joined);
    const { body } = await looking;
    end();
    expect(idsIn(body.messages)).toContain(joined);
    expect(body.messages.end).toBe(told.end);
  });
});

test('a first poll -> from the moment when it came: what is said while its right to read is asked for arrives', async () => {
  const end = stage.sandbox.faults.on(/room_summary|\/state\//, { delayMs: 200 });
  const before = stage.sandbox.requests.length;
  const waiting = poll('', 5000);
  const isAsked = (what: RegExp) => stage.sandbox.requests.slice(before).some(({ url }) => what.test(url));
  await vi.waitFor(() => expect([isAsked(/\/state\//), isAsked(/\/sync\?/)]).toEqual([true, true]));
  // Requests are answered in turn, so by then the position was told; the right to read was not.
  await fetch(`${stage.sandbox.url}/_matrix/client/versions`);
  const sent = [say('X'), say('Y')];
  const { body } = await waiting;
  end();
  expect([...idsIn(body), ...(await follow(body.end))]).toEqual(sent);
});

// Differs: peeks-have-room-events-only
test.each(['a peeker', 'a member'])(
  'typing, receipts, presence and a message, for %s -> the message',
  async (who) => {
    const { homeserver } = stage.sandbox;
    if (who === 'a member') homeserver.join(me, roomId);
    const { body: before } = await poll();
    homeserver.setTyping(host, roomId, true);
    homeserver.setPresence(host, 'unavailable', undefined);
    homeserver.setAccountData(me, 'm.tag', { tags: {} }, roomId);
    const said = homeserver.say(host, roomId, 'hi').eventId;
    homeserver.sendReceipt(host, roomId, said);
    const { body } = await poll(before.end);
    expect(body.chunk).toMatchObject([{ event_id: said, room_id: roomId }]);
  },
);
