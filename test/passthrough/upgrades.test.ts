// What is known of the homeserver follows it: it may come after the gateway, be old, and be upgraded.

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { createTestSandbox, type TestSandbox } from '../support/sandbox/test-sandbox.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';

const UNRECOGNIZED = { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' } };

let sandbox: TestSandbox;
let me: UserId;
let roomId: RoomId;
let accessToken: string;

beforeEach(async () => {
  sandbox = await createTestSandbox();
  onTestFinished(() => sandbox.close());
  const { homeserver } = sandbox;
  me = homeserver.createUser('me');
  ({ accessToken } = homeserver.login(me));
  roomId = homeserver.createRoom(me);
  homeserver.say(me, roomId, 'hi');
});

async function aGateway(): Promise<Gateway> {
  const gateway = await startGateway(sandbox.url, { homeserverKind: 'sandbox' });
  onTestFinished(() => gateway.close());
  return gateway;
}

async function statusOf(gateway: Gateway, path: string): Promise<number> {
  const response = await fetch(`${gateway.url}/_matrix/${path}`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  await response.arrayBuffer();
  return response.status;
}

/** From now on the homeserver lists these versions, and has none of these paths. Returns what ends it. */
function play(versions: string[], withoutPaths: RegExp): () => void {
  const body = { versions, server: { name: 'sandbox' } };
  const ends = [
    sandbox.faults.on(/\/client\/versions/, { answer: { status: 200, body } }),
    sandbox.faults.on(withoutPaths, { answer: UNRECOGNIZED }),
  ];
  return () => ends.forEach((end) => end());
}

const WITHOUT_R0 = / \/_matrix\/(?:client\/r0|media)\//;
const WITHOUT_V3 = / \/_matrix\/client\/v3\//;

test('the homeserver comes after the gateway -> r0 and old media find their new places, unasked', async () => {
  play(['v1.1', 'v1.11'], WITHOUT_R0);
  sandbox.faults.on(/\/client\/v1\/media\/download/, { answer: { status: 200, body: {} } });
  await sandbox.stop();
  const gateway = await aGateway();
  await sandbox.restart();

  await vi.waitFor(
    () => expect(sandbox.requests.some(({ url }) => url.includes('/versions'))).toBe(true),
    10_000,
  );
  await vi.waitFor(async () => expect(await statusOf(gateway, 'client/r0/joined_rooms')).toBe(200));

  expect(await statusOf(gateway, 'media/r0/download/x/y')).toBe(200);
});

test('the homeserver is upgraded under the gateway -> noticed by an answer that contradicts what is known', async () => {
  const end = play(['r0.6.1', 'v1.1'], / nothing/);
  const gateway = await aGateway();
  await vi.waitFor(async () => expect(await statusOf(gateway, 'client/r0/joined_rooms')).toBe(200));
  end();
  play(['v1.11'], WITHOUT_R0);

  await vi.waitFor(async () => expect(await statusOf(gateway, 'client/r0/joined_rooms')).toBe(200), 10_000);
});

describe('a homeserver that has r0 and no v3', () => {
  test.each([
    ['/events', () => 'events?timeout=0'],
    ['/events of a room', () => `events?timeout=0&room_id=${encodeURIComponent(roomId)}`],
    ['/initialSync', () => 'initialSync'],
    ['a room’s initialSync', () => `rooms/${encodeURIComponent(roomId)}/initialSync`],
    ['/messages', () => `rooms/${encodeURIComponent(roomId)}/messages?dir=b`],
    ['/joined_rooms', () => 'joined_rooms'],
  ])('%s -> 200 under r0 and v3, and nothing of v3 is asked for', async (_name, path) => {
    play(['r0.0.1', 'r0.6.1'], WITHOUT_V3);
    const gateway = await aGateway();
    await vi.waitFor(
      async () => expect(await statusOf(gateway, 'client/r0/events?timeout=0')).toBe(200),
      5000,
    );
    const before = sandbox.requests.length;

    expect(await statusOf(gateway, `client/r0/${path()}`)).toBe(200);
    expect(sandbox.requests.slice(before).filter(({ url }) => url.includes('/v3/'))).toEqual([]);
  });

  test('api/v1 -> what it has', async () => {
    play(['r0.0.1', 'r0.6.1'], WITHOUT_V3);
    const gateway = await aGateway();
    await vi.waitFor(
      async () => expect(await statusOf(gateway, 'client/r0/events?timeout=0')).toBe(200),
      5000,
    );
    const room = encodeURIComponent(roomId);
    expect(await statusOf(gateway, `client/api/v1/rooms/${room}/messages?dir=b`)).toBe(200);
    expect(await statusOf(gateway, `client/api/v1/rooms/${room}/state/m.room.create`)).toBe(200);
  });
});

test('it says nothing of itself, and its federation fails -> requests are answered all the same', async () => {
  sandbox.faults.on(/\/client\/versions/, { answer: { status: 200, body: {} } });
  sandbox.faults.on(/\/federation\//, {
    answer: { status: 500, body: { errcode: 'M_UNKNOWN', error: 'Off' } },
  });
  const gateway = await startGateway(sandbox.url);
  onTestFinished(() => gateway.close());
  expect(await statusOf(gateway, 'client/r0/events?timeout=0')).toBe(200);
  expect(await statusOf(gateway, 'client/r0/initialSync')).toBe(200);
});
