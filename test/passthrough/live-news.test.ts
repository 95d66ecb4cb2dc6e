// Who stands in front of everything sees news being made: previews hear of them without waiting for a period.

import { beforeEach, describe, expect, test } from 'vitest';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { useSandboxStage } from '../support/sandbox/sandbox-stage.ts';

/** Longer than any test. */
const NEVER_MS = 600_000;

const stage = useSandboxStage({ settings: { peekFastestMs: NEVER_MS, peekSlowestMs: NEVER_MS } });

let hostToken: string;
let peekerToken: string;
let guest: UserId;
let roomId: RoomId;

beforeEach(() => {
  const { homeserver } = stage.sandbox;
  const serial = homeserver.users.size;
  const host = homeserver.createUser(`host${serial}`);
  guest = homeserver.createUser(`guest${serial}`);
  hostToken = homeserver.login(host).accessToken;
  peekerToken = homeserver.login(homeserver.createUser(`peeker${serial}`)).accessToken;
  const visibility = {
    type: 'm.room.history_visibility',
    state_key: '',
    content: { history_visibility: 'world_readable' },
  };
  roomId = homeserver.createRoom(host, { preset: 'public_chat', initial_state: [visibility] });
});

async function ask(accessToken: string, method: string, path: string, body?: object) {
  const response = await fetch(`${stage.gateway.url}/_matrix/client/${path}`, {
    method,
    headers: { authorization: `Bearer ${accessToken}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    json: (await response.json()) as { chunk?: { type: string }[]; end?: string },
  };
}

/** The peeker's poll, once it waits. */
async function poll(): Promise<{ answer: ReturnType<typeof ask> }> {
  const room = encodeURIComponent(roomId);
  const { end } = (await ask(peekerToken, 'GET', `r0/events?room_id=${room}&timeout=0`)).json;
  const probes = async () =>
    Number(
      /peek_probes_total (\d+)/.exec(await (await fetch(`${stage.gateway.internalUrl}/metrics`)).text())?.[1],
    );
  const before = await probes();
  const answer = ask(peekerToken, 'GET', `r0/events?room_id=${room}&timeout=20000&from=${end}`);
  await expect.poll(probes).toBeGreaterThan(before);
  return { answer };
}

const message = { msgtype: 'm.text', body: 'hello' };

describe('a preview that waits, with a period that never ends', () => {
  test.each([
    ['PUT', 'v3/rooms/ROOM/send/m.room.message/1', message, 'm.room.message'],
    ['PUT', 'r0/rooms/ROOM/send/m.room.message/2', message, 'm.room.message'],
    ['POST', 'api/v1/rooms/ROOM/send/m.room.message', message, 'm.room.message'],
    ['PUT', 'v3/rooms/ROOM/state/m.room.topic/', { topic: 'new' }, 'm.room.topic'],
    ['POST', 'v3/rooms/ROOM/invite', 'GUEST', 'm.room.member'],
    ['POST', 'api/v1/rooms/ROOM/invite', 'GUEST', 'm.room.member'],
    ['POST', 'v3/rooms/ROOM/leave', {}, 'm.room.member'],
  ] as const)('%s %s -> it is answered with it', async (method, path, body, type) => {
    const { answer } = await poll();
    const sent = body === 'GUEST' ? { user_id: guest } : body;
    const { status } = await ask(hostToken, method, path.replace('ROOM', encodeURIComponent(roomId)), sent);
    expect(status).toBe(200);
    expect((await answer).json.chunk?.map((event) => event.type)).toEqual([type]);
  });

  test('a message that is shown a moment after its answer -> it is answered with it', async () => {
    const { answer } = await poll();
    const endDelay = stage.sandbox.faults.on(
      /^GET \S*\/messages\?/,
      { answer: { status: 200, body: { chunk: [] } } },
      1,
    );
    await ask(hostToken, 'PUT', `v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/3`, message);
    expect((await answer).json.chunk?.map(({ type }) => type)).toEqual(['m.room.message']);
    endDelay();
  });
});
