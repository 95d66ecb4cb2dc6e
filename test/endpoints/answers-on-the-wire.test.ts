// Every route of ours over a raw socket: what is said about an answer is said as the homeservers of 2015 said it.

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/routes.ts';
import { createTestSandbox, type TestSandbox } from '../support/sandbox/test-sandbox.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';
import { joinRoom, type JoinedRoom } from '../support/joined-room.ts';

let sandbox: TestSandbox;
let gateway: Gateway;
let room: JoinedRoom;
beforeAll(async () => {
  sandbox = await createTestSandbox();
  gateway = await startGateway(sandbox.url, { homeserverKind: 'sandbox' });
  room = joinRoom(sandbox);
});
afterAll(async () => {
  await gateway.close();
  await sandbox.close();
});

interface Answer {
  start: string;
  headers: string[];
  body: string;
}

async function ask(
  method: string,
  target: string,
  headers: readonly string[] = [],
  body = '',
): Promise<Answer> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: a', 'Connection: close', ...headers];
  if (body !== '') lines.push(`Content-Length: ${body.length}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  const text = Buffer.concat(chunks).toString('latin1');
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [start = '', ...given] = head.split('\r\n');
  return { start, headers: given, body: rest.join('\r\n\r\n') };
}

/** Every header that an answer of ours may have, as it is spelt. */
const USUAL =
  /^(?:Content-Type|Cache-Control|Access-Control-(?:Allow-(?:Origin|Methods|Headers)|Expose-Headers)|Content-Length|Transfer-Encoding|Connection|Date|Retry-After): /;

function expectUsual({ start, headers }: Answer, what: string): void {
  expect(
    headers.filter((header) => !USUAL.test(header)),
    what,
  ).toEqual([]);
  const types = headers.filter((header) => /^content-type/i.test(header));
  expect(types, what).toEqual(start.includes(' 204 ') ? [] : ['Content-Type: application/json']);
}

/** Modern `/sync` and pages pass, and what is only changed on its way has the homeserver's own answer. */
const ANSWERED = ROUTES.filter(
  (route) =>
    route.what === 'refuse' ||
    (route.what === 'answer' && route.isUnread === undefined && route.label !== 'sync'),
).flatMap(({ path, methods, prefixes }) =>
  prefixes
    .filter((prefix) => path !== 'rooms/*/messages' || ['api/v1', 'v2_alpha', 'r0'].includes(prefix))
    .flatMap((prefix) => methods.map((method) => ({ method, pattern: `/_matrix/client/${prefix}/${path}` }))),
);

/** A pattern with ids that exist. */
const targetOf = (pattern: string): string => {
  const ids = /\/(?:rooms|join)\//.test(pattern)
    ? [encodeURIComponent(room.roomId), 'm.room.message', 't1']
    : [encodeURIComponent(room.me), 't1', 't2'];
  return pattern.replaceAll(/\*+/g, () => ids.shift() ?? '');
};

describe.each(ANSWERED)('$method $pattern', ({ method, pattern }) => {
  const body = method === 'GET' ? '' : '{}';
  const authorization = () => [`Authorization: Bearer ${room.accessToken}`];

  test.each([
    { name: 'who may', headers: authorization },
    { name: 'no access token', headers: () => [] },
    { name: 'an unknown access token', headers: () => ['Authorization: Bearer nobody'] },
    { name: 'an odd access token', headers: () => ['Authorization: Bearer é'] },
    { name: 'a body of an odd type', headers: () => [...authorization(), 'Content-Type: odd'] },
  ])('$name -> usual headers', async ({ headers }) => {
    expectUsual(await ask(method, `${targetOf(pattern)}?timeout=0`, headers(), body), pattern);
  });

  test('an answer at hand -> a length', async () => {
    const { headers } = await ask(method, `${targetOf(pattern)}?timeout=0`, authorization(), body);
    expect(headers.filter((header) => /^(?:Content-Length|Transfer-Encoding): /.test(header))).toEqual([
      expect.stringMatching(/^Content-Length: \d+$/),
    ]);
  });
});

/** Those that pass for other methods than GET are the homeserver's to answer. */
const WHOLLY_OURS = [...new Set(ANSWERED.map(({ pattern }) => pattern))].filter((pattern) =>
  /\/(?:events(?:\/\*\*)?|initialSync)$/.test(pattern),
);

describe.each(WHOLLY_OURS)('%s', (pattern) => {
  test('a preflight -> usual headers, and none of a body', async () => {
    const answer = await ask('OPTIONS', targetOf(pattern));
    expect(answer.start).toBe('HTTP/1.1 204 No Content');
    expectUsual(answer, pattern);
  });

  test('HEAD -> usual headers', async () => {
    expectUsual(await ask('HEAD', targetOf(pattern)), pattern);
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])(
    '%s, whatever the body -> 405, usual headers',
    async (method) => {
      const answer = await ask(method, targetOf(pattern), ['Content-Type: odd'], 'x');
      expect(answer.start).toBe('HTTP/1.1 405 Method Not Allowed');
      expectUsual(answer, pattern);
    },
  );
});

describe('beside the routes', () => {
  test.each([
    { name: 'a path that is nobody’s', start: 'GET /x HTTP/1.1\r\nHost: a\r\n' },
    { name: 'dot segments', start: 'GET /_matrix/client/r0/rooms/../initialSync HTTP/1.1\r\nHost: a\r\n' },
    { name: 'no Host', start: 'GET /_matrix/client/v3/x HTTP/1.1\r\n' },
    { name: 'an unknown expectation', start: 'GET /x HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n' },
    { name: 'no HTTP', start: 'tea\r\n' },
    { name: 'too long headers', start: `GET /x HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(70_000)}\r\n` },
  ])('$name -> usual headers', async ({ start }) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`${start}Connection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close').catch(() => {});
    const [head = ''] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n');
    const [first = '', ...headers] = head.split('\r\n');
    expect(first).toMatch(/^HTTP\/1\.1 4\d\d /);
    expectUsual({ start: first, headers, body: '' }, start.slice(0, 40));
  });
});

describe('Content-Types that old clients name for JSON, all taken by Synapse', () => {
  test.each([
    '',
    'json',
    'text',
    '*',
    'null',
    'undefined',
    '"application/json"',
    'application//json',
    'application/json',
    'application/json, application/json',
    'application/json,charset=utf-8',
    'application/json charset=utf-8',
    'application/json/utf-8',
    'application/json; charset=utf-8',
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json;',
    'application/json; a',
    ' ',
    'a/b/c',
    '/',
    ';',
    'application/octet-stream',
  ])('%j -> the body is read', async (type) => {
    const mine = joinRoom(sandbox);
    for (const prefix of ['api/v1', 'v2_alpha']) {
      const target = `/_matrix/client/${prefix}/rooms/${encodeURIComponent(mine.roomId)}/send/m.room.message`;
      const headers = [`Authorization: Bearer ${mine.accessToken}`, `Content-Type: ${type}`];
      const answer = await ask('POST', target, headers, '{"msgtype":"m.text","body":"hi"}');
      expect(answer.start, answer.body).toBe('HTTP/1.1 200 OK');
    }
  });
});

describe('which paths are ours', () => {
  let mine: JoinedRoom;
  beforeAll(() => (mine = joinRoom(sandbox)));
  const authorization = () => [`Authorization: Bearer ${mine.accessToken}`];
  const statusOf = async (target: string): Promise<string> =>
    (await ask('GET', target, authorization())).start.slice(9, 12);

  test.each([
    '/%5Fmatrix/client/r0/initialSync',
    '/_matrix/client/r0/%69nitialSync',
    '/_matrix/client/r0/initialSync/',
    '/_matrix/client/r0/events/',
    '/_matrix/client/r0/events/%24a/',
    '/_matrix/client/api%2Fv1/initialSync',
    '/_matrix/client/r0/initialSync#x',
  ])('%s -> 404, as from Synapse itself', async (target) => {
    expect(await statusOf(target)).toBe('404');
  });

  test('a whole URL -> as its path', async () => {
    expect(await statusOf('http://a/_matrix/client/r0/initialSync')).toBe('200');
    expect(await statusOf('http://a/_matrix/client/v3/account/whoami')).toBe('200');
  });

  test.each(['events', 'initialSync', 'rooms/!/initialSync', 'events?room_id=!'])(
    'a bad `to` on %s -> 400',
    async (path) => {
      const own = path.replace('!', encodeURIComponent(mine.roomId));
      const target = `/_matrix/client/r0/${own}${path.includes('?') ? '&' : '?'}timeout=0&to=`;
      const { start, body } = await ask('GET', `${target}bad%20one`, authorization());
      expect([start, body]).toEqual([
        'HTTP/1.1 400 Bad Request',
        '{"errcode":"M_UNKNOWN","error":"\'to\' parameter is invalid"}',
      ]);
      expect(await statusOf(target)).toBe('200');
    },
  );
});
