// Whatever a client sends as a token: 400, or an answer that it could have had anyway; never an error of ours.

import fc from 'fast-check';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeCatchUpToken, encodeRoomToken, type CatchUpPosition } from '../../src/tokens/own-tokens.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { createTestSandbox, type TestSandbox } from '../support/sandbox/test-sandbox.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';

const TOKENS = Number(process.env['LAW_TOKENS'] ?? 20_000);
const AT_A_TIME = 64;

let sandbox: TestSandbox;
let gateway: Gateway;
let pool: Pool;
let good: { from: string; to: string; page: string; roomId: RoomId; eventId: string; otherRoomId: RoomId };
let accessToken: string;

beforeAll(async () => {
  sandbox = await createTestSandbox();
  gateway = await startGateway(sandbox.url, { homeserverKind: 'sandbox', pollsPerSession: Infinity });
  pool = new Pool(gateway.url, { connections: AT_A_TIME });
  const { homeserver } = sandbox;
  const [host, me] = [homeserver.createUser('host'), homeserver.createUser('me')];
  const roomId = homeserver.createRoom(host, { preset: 'public_chat' });
  const otherRoomId = homeserver.createRoom(host, { preset: 'private_chat' });
  homeserver.say(host, otherRoomId, 'a secret');
  homeserver.join(me, roomId);
  ({ accessToken } = homeserver.login(me));
  const from = (await get('from=')).body.end;
  const { eventId } = homeserver.say(host, roomId, 'one');
  const to = (await get('from=')).body.end;
  const messages = await get(`dir=b&limit=1&from=${to}`, `/rooms/${encodeURIComponent(roomId)}/messages`);
  good = { from, to, page: messages.body.end, roomId, eventId, otherRoomId };
});

afterAll(async () => {
  await pool.close();
  await gateway.close();
  await sandbox.close();
});

async function get(
  query: string,
  path = '/events',
): Promise<{ status: number; text: string; body: { end: string } }> {
  const { statusCode, body } = await pool.request({
    method: 'GET',
    path: `/_matrix/client/v3${path}?timeout=0&${query}`,
    headers: { authorization: `Bearer ${accessToken}` },
  });
  const text = await body.text();
  return { status: statusCode, text, body: JSON.parse(text) };
}

const oneOf = (...given: (() => string)[]) =>
  fc.oneof(...given.map((one) => fc.constant(null).map(one)), fc.string({ maxLength: 40, unit: 'binary' }));

/** Tokens of ours with any field exchanged for a good one of another kind, or for junk. */
const forged = fc
  .record({
    from: oneOf(
      () => good.from,
      () => good.to,
      () => good.page,
    ),
    to: oneOf(
      () => good.to,
      () => good.from,
      () => good.page,
    ),
    roomId: oneOf(
      () => good.roomId,
      () => good.otherRoomId,
      () => '',
    ),
    page: fc.option(
      oneOf(
        () => good.page,
        () => good.from,
      ),
    ),
    lastEventId: fc.option(oneOf(() => good.eventId)),
  })
  .map((position) => encodeCatchUpToken(position as CatchUpPosition));

const room = fc
  .record({
    roomId: oneOf(
      () => good.roomId,
      () => good.otherRoomId,
    ),
    eventId: fc.option(oneOf(() => good.eventId)),
  })
  .map((position) =>
    encodeRoomToken({ ...position, side: 'after' } as Parameters<typeof encodeRoomToken>[0]),
  );

const foreign = fc.constantFrom(
  's72594_4483_1934',
  's1',
  't5-6_7',
  '12345',
  '-17',
  'm5~1.7_3',
  'START',
  'hsc2.AAAA',
  'hsc1.',
  'hsr1.e30',
);
const oversized = fc.integer({ min: 1000, max: 20_000 }).map((length) => `hsc1.${'A'.repeat(length)}`);
const own = fc.oneof(forged, room);
const truncated = fc.tuple(own, fc.nat()).map(([token, at]) => token.slice(0, at % token.length));
const changed = fc
  .tuple(own, fc.nat(), fc.constantFrom('A', 'Z', '_', '-', '=', '.', '%', 'AA'))
  .map(
    ([token, at, bytes]) => token.slice(0, at % token.length) + bytes + token.slice((at % token.length) + 1),
  );
const junk = fc.oneof(
  fc.string({ maxLength: 60, unit: 'binary' }),
  fc.base64String({ maxLength: 90 }).map((text) => `hsc1.${text}`),
);

const anyToken = fc.oneof(
  { weight: 4, arbitrary: junk },
  { weight: 3, arbitrary: changed },
  { weight: 2, arbitrary: truncated },
  { weight: 1, arbitrary: fc.oneof(own, foreign, oversized) },
);

describe('any token', () => {
  test(`${TOKENS} generated ones -> 400, or what the caller could have had anyway; never a 5xx`, async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const tokens = fc.sample(anyToken, { numRuns: TOKENS, seed });
    const statuses = new Map<number, number>();
    let next = 0;
    const ask = async (): Promise<void> => {
      for (let token = tokens[(next += 1) - 1]; token !== undefined; token = tokens[(next += 1) - 1]) {
        const { status, text } = await get(`from=${encodeURIComponent(token)}`);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect([200, 400, 403, 404, 431], `seed ${seed}: ${token} -> ${text}`).toContain(status);
        expect(text).not.toContain('a secret');
        if (status !== 200)
          expect(JSON.parse(text)).toMatchObject({ errcode: expect.any(String), error: expect.any(String) });
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, ask));
    expect(statuses.get(400)).toBeGreaterThan(TOKENS / 2);
    expect(statuses.get(200)).toBeGreaterThan(0);
  }, 180_000);
});
