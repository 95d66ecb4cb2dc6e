// GET /events/{eventId} through real sockets, in front of the sandbox.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';
import { createTestSandbox, type TestSandbox } from '../support/sandbox/test-sandbox.ts';

let sandbox: TestSandbox;
let gateway: Gateway;
let host: UserId;
let me: UserId;
let accessToken: string;
let endFault: () => void = () => {};

beforeAll(async () => {
  sandbox = await createTestSandbox();
});
afterAll(() => sandbox.close());
beforeEach(async () => {
  // One that remembers nothing: where an event was seen is what these tests are about.
  gateway = await startGateway(sandbox.url, { homeserverKind: 'sandbox' });
  const { homeserver } = sandbox;
  const serial = homeserver.users.size;
  host = homeserver.createUser(`host${serial}`);
  me = homeserver.createUser(`me${serial}`);
  ({ accessToken } = homeserver.login(me));
});
afterEach(async () => {
  endFault();
  await gateway.close();
});

function aRoom(): RoomId {
  const roomId = sandbox.homeserver.createRoom(host, { preset: 'public_chat' });
  sandbox.homeserver.join(me, roomId);
  return roomId;
}

async function ask(eventId: string) {
  const url = `${gateway.url}/_matrix/client/r0/events/${encodeURIComponent(eventId)}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${accessToken}` } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const say = (roomId: RoomId): EventId => sandbox.homeserver.say(host, roomId, 'hi').eventId;

/** The rooms that were asked for this event, in order. */
const askedFor = (eventId: string): string[] =>
  sandbox.requests.flatMap(({ url }) => {
    const [, room, event] = /\/rooms\/([^/]+)\/event\/([^/?]+)/.exec(url) ?? [];
    return decodeURIComponent(event ?? '') === eventId ? [decodeURIComponent(room ?? '')] : [];
  });

test('an event of a joined room -> that event, in its legacy form', async () => {
  const [roomId] = [aRoom(), aRoom()];
  const eventId = say(roomId);
  expect(await ask(eventId)).toMatchObject({
    status: 200,
    body: { event_id: eventId, room_id: roomId, user_id: host, content: { body: 'hi' } },
  });
});

test('asked again -> the room where it was found, and no other', async () => {
  const rooms = [aRoom(), aRoom(), aRoom()];
  const eventId = say(rooms[1] as RoomId);
  await ask(eventId);
  const before = askedFor(eventId).length;
  await ask(eventId);
  expect(askedFor(eventId).slice(before)).toEqual([rooms[1]]);
});

// Differs: unknown-events-are-errors, hidden-events-are-404
describe('not found', () => {
  const notFound = { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'Event not found.' } };

  test.each(['$unknown', 'junk', ''])('the id %j -> an error object', async (eventId) => {
    aRoom();
    expect(await ask(eventId)).toEqual(notFound);
  });

  test("an event of a room that is not the caller's -> 404, as if there were none", async () => {
    const elsewhere = sandbox.homeserver.createRoom(host, { preset: 'private_chat' });
    expect(await ask(say(elsewhere))).toEqual(notFound);
  });

  test('an event of a room that he left, from after the leave -> 404', async () => {
    const roomId = aRoom();
    sandbox.homeserver.leave(me, roomId);
    expect(await ask(say(roomId))).toEqual(notFound);
  });
});

describe('a room that fails while an event is searched', () => {
  const fail = (roomId: RoomId): void => {
    const answer = { status: 500, body: { errcode: 'M_UNKNOWN', error: 'Internal server error' } };
    endFault = sandbox.faults.on(new RegExp(`/rooms/${encodeURIComponent(roomId)}/event/`), { answer });
  };

  test('the event is in another one -> found', async () => {
    const [good, bad] = [aRoom(), aRoom()];
    fail(bad);
    const eventId = say(good);
    expect(await ask(eventId)).toMatchObject({ status: 200, body: { event_id: eventId } });
  });

  test('the event is nowhere else -> the failure, as that room may be the one', async () => {
    const [, bad] = [aRoom(), aRoom()];
    fail(bad);
    expect(await ask('$unknown')).toMatchObject({ status: 500, body: { errcode: 'M_UNKNOWN' } });
  });
});

describe('a user in many rooms', () => {
  test('an event that is nowhere -> 200 rooms are asked, once each', async () => {
    const rooms = Array.from({ length: 205 }, aRoom);
    expect((await ask('$nowhere')).status).toBe(404);
    const asked = askedFor('$nowhere');
    expect(asked).toHaveLength(200);
    expect(new Set(asked).size).toBe(200);
    expect(rooms).toEqual(expect.arrayContaining(asked));
  });

  test('rooms that take their time -> eight are asked at once, and no more', async () => {
    Array.from({ length: 20 }, aRoom);
    endFault = sandbox.faults.on(/\/event\//, { delayMs: 300 });
    const answer = ask('$slow');
    await vi.waitFor(() => expect(askedFor('$slow')).toHaveLength(8));
    // All that can be sent is sent when another call has come and gone.
    await fetch(`${gateway.url}/_matrix/client/versions`);
    expect(askedFor('$slow')).toHaveLength(8);
    expect((await answer).status).toBe(404);
  });

  test('the room that was active last -> asked first', async () => {
    const rooms = Array.from({ length: 12 }, aRoom);
    const active = rooms.at(-1) as RoomId;
    const { chunk } = (await follow()) as { chunk: { room_id?: string }[] };
    expect(chunk.map(({ room_id }) => room_id)).toContain(active);
    await ask('$somewhere');
    expect(askedFor('$somewhere').slice(0, 8)).toContain(active);
  });

  /** What is said in the last room reaches the gateway by the user's own stream. */
  async function follow(): Promise<unknown> {
    const get = async (query: string) => {
      const url = `${gateway.url}/_matrix/client/r0/events?timeout=0&${query}`;
      return (await fetch(url, { headers: { authorization: `Bearer ${accessToken}` } })).json();
    };
    const { end } = (await get('')) as { end: string };
    say(sandbox.homeserver.users.get(me)?.joinedRooms().at(-1)?.roomId as RoomId);
    return get(`from=${end}`);
  }
});
