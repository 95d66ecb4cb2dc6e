// What is answered from memory: never to a token that the homeserver no longer knows.

import { beforeEach, describe, expect, test } from 'vitest';
import type { RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import { joinRoom } from '../../support/joined-room.ts';
import { useSandboxStage } from '../../support/sandbox/sandbox-stage.ts';

const stage = useSandboxStage();

let host: UserId;
let me: UserId;
let accessToken: string;
let roomId: RoomId;

beforeEach(() => {
  ({ host, me, accessToken, roomId } = joinRoom(stage.sandbox));
});

async function ask(method: string, path: string, url = stage.gateway.url) {
  const response = await fetch(`${url}/_matrix/client/${path}`, {
    method,
    headers: { authorization: `Bearer ${accessToken}` },
  });
  return { status: response.status, json: (await response.json()) as { end?: string; errcode?: string } };
}

/** Has everything remembered that is answered from memory; returns how it is asked for. */
async function remember(): Promise<[method: string, path: string][]> {
  const { end: from } = (await ask('GET', 'r0/events?timeout=0')).json;
  for (let i = 0; i < 30; i += 1) stage.sandbox.homeserver.say(host, roomId, `secret ${i}`);
  const { end } = (await ask('GET', `r0/events?timeout=0&limit=5&from=${from}`)).json;
  expect(end).toMatch(/^hsc1\./);
  const made = await ask('PUT', 'api/v1/createRoom/txn1');
  expect(made.status).toBe(200);
  return [
    ['GET', `r0/events?timeout=0&limit=5&from=${end}`],
    ['GET', `r0/events?timeout=30000&limit=5&from=${end}`],
    ['GET', `api/v1/presence/list/${encodeURIComponent(me)}`],
    ['PUT', 'api/v1/createRoom/txn1'],
  ];
}

describe('a token that has ended', () => {
  test.each([
    { where: 'at the homeserver, past the gateway', url: () => stage.sandbox.url },
    { where: 'through the gateway', url: () => stage.gateway.url },
  ])('$where -> everything that is remembered of its session is 401', async ({ url }) => {
    const remembered = await remember();
    for (const [method, path] of remembered) expect((await ask(method, path)).status).toBe(200);
    expect((await ask('POST', 'v3/logout', url())).status).toBe(200);
    for (const [method, path] of remembered) {
      const { status, json } = await ask(method, path);
      expect([status, json.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN']);
    }
  });
});
