import { request as httpRequest } from 'node:http';
import { describe, expect, test } from 'vitest';
import { GONE, OLD } from '../../../src/endpoints/route-rows.ts';
import type { Prefix } from '../../../src/http/route-pattern.ts';
import { ROUTES } from '../../../src/routes.ts';
import { useUpstreamStage } from '../../support/upstream-stage.ts';

const stage = useUpstreamStage();

interface Asked {
  body?: unknown;
  /** False: no access token. */
  token?: false;
  prefix?: Prefix;
  signal?: AbortSignal;
}

async function ask(method: string, path: string, asked: Asked = {}) {
  const { body, token, prefix = 'api/v1', signal } = asked;
  const separator = path.includes('?') ? '&' : '?';
  const query = token === false ? '' : `${separator}access_token=t`;
  const response = await fetch(`${stage.gateway.url}/_matrix/client/${prefix}/${path}${query}`, {
    method,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    json: text === '' ? undefined : JSON.parse(text),
  };
}

/** What came to the homeserver: methods and paths below v3. */
const asked = (): string[] =>
  stage.upstream.received.map(({ method, url }) => `${method} ${url.replace('/_matrix/client/v3/', '')}`);

const forbidden = { status: 403, json: { errcode: 'M_FORBIDDEN', error: 'No' } };
const anEvent = {
  type: 'm.room.message',
  event_id: '$e',
  sender: '@a:test',
  origin_server_ts: 1,
  content: { body: 'hi' },
  unsigned: { age: 5, prev_content: { body: 'ho' }, 'm.relations': {} },
};
const aLegacyEvent = {
  ...anEvent,
  room_id: '!r:test',
  user_id: '@a:test',
  age: 5,
  prev_content: { body: 'ho' },
  unsigned: { age: 5, prev_content: { body: 'ho' } },
};

describe('the table', () => {
  const rows = ROUTES.flatMap((route) =>
    route.prefixes
      .filter((prefix) => OLD.includes(prefix))
      .flatMap((prefix) =>
        route.methods.map((method) => ({
          ...route,
          method,
          prefix,
          name: `${method} ${prefix}/${route.path}`,
        })),
      ),
  );
  const filled = (path: string): string => path.replaceAll(/\*+/g, '%21x:test');

  test.each(rows.filter(({ what, path }) => what === 'pass' && path !== 'account/whoami'))(
    '$name -> passed',
    async ({ method, prefix, path }) => {
      await ask(method, filled(path), { prefix });
      expect(asked()).toEqual([`${method} ${filled(path)}`]);
    },
  );

  test.each(rows.filter(({ what }) => what === 'refuse'))('$name -> 404, and why', async (row) => {
    const { status, headers, json } = await ask(row.method, filled(row.path), { prefix: row.prefix });
    expect([status, json]).toEqual([
      404,
      { errcode: 'M_UNRECOGNIZED', error: row.what === 'refuse' && row.about },
    ]);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(asked()).toEqual([]);
  });

  test.each(rows.filter((row) => row.what === 'answer' && row.label !== 'sync' && GONE.includes(row.prefix)))(
    '$name -> never asked of the homeserver as it is',
    async (row) => {
      stage.upstream.answers = { 'GET sync': [forbidden] };
      await ask(row.method, filled(row.path), {
        prefix: row.prefix,
        ...(row.method !== 'GET' && { body: {} }),
      });
      expect(asked().filter((request) => request.includes(row.prefix))).toEqual([]);
    },
  );

  test.each(['api/v1', 'v2_alpha'] as const)('a preflight below %s -> answered here', async (prefix) => {
    for (const path of ['login', 'rooms/!x:test/send/m.room.message', 'anything/else']) {
      const { status, headers } = await ask('OPTIONS', path, { prefix, token: false });
      expect([status, headers.get('access-control-allow-headers')]).toEqual([
        204,
        'X-Requested-With, Content-Type, Authorization, Date',
      ]);
    }
    expect(asked()).toEqual([]);
  });
});

describe('login', () => {
  test('the user in the way of 2014 -> an identifier too, and home_server in the answer', async () => {
    stage.upstream.answers = { 'POST login': [{ json: { user_id: '@a:test:8448', access_token: 's' } }] };
    const body = { type: 'm.login.password', user: 'a', password: 'p' };
    const { json } = await ask('POST', 'login', { body, token: false });
    expect(json).toEqual({ user_id: '@a:test:8448', access_token: 's', home_server: 'test:8448' });
    expect(JSON.parse(stage.upstream.received[0]?.body ?? '')).toEqual({
      ...body,
      identifier: { type: 'm.id.user', user: 'a' },
    });
  });

  test('refused -> as the homeserver says', async () => {
    stage.upstream.answers = { 'POST login': [forbidden] };
    expect(await ask('POST', 'login', { body: {}, token: false })).toMatchObject(forbidden);
  });

  test.each(['', 'x', '[]', '"x"'])('the body %j -> 400, and not asked', async (body) => {
    const { status } = await ask('POST', 'login', { body, token: false });
    expect(status).toBe(body === '' ? 404 : 400);
  });
});

describe('register', () => {
  const dummy = { status: 401, json: { session: 'S', flows: [{ stages: ['m.login.dummy'] }], params: {} } };
  const captcha = { status: 401, json: { flows: [{ stages: ['m.login.recaptcha', 'm.login.terms'] }] } };
  const made = { json: { user_id: '@a:test', access_token: 's' } };
  const body = { type: 'm.login.password', user: '@a:test', password: 'p' };

  test('a dummy stage is enough -> registered in two steps', async () => {
    stage.upstream.answers = { 'POST register': [dummy, made] };
    const { json } = await ask('POST', 'register', { body, token: false });
    expect(json).toEqual({ user_id: '@a:test', access_token: 's', home_server: 'test' });
    expect(stage.upstream.received.map((each) => JSON.parse(each.body))).toEqual([
      { username: 'a', password: 'p' },
      { username: 'a', password: 'p', auth: { type: 'm.login.dummy', session: 'S' } },
    ]);
  });

  // Differs: only-passwords-register
  test('a captcha is needed -> 403 that names it', async () => {
    stage.upstream.answers = { 'POST register': [captcha] };
    const { status, json } = await ask('POST', 'register', { body, token: false });
    expect([status, json.errcode]).toEqual([403, 'M_FORBIDDEN']);
    expect(json.error).toContain('m.login.recaptcha and m.login.terms');
  });

  test('an error of the first step -> as the homeserver says', async () => {
    stage.upstream.answers = {
      'POST register': [{ status: 400, json: { errcode: 'M_USER_IN_USE', error: 'Taken' } }],
    };
    expect(await ask('POST', 'register', { body, token: false })).toMatchObject({
      status: 400,
      json: { errcode: 'M_USER_IN_USE' },
    });
  });

  test('the flows -> those of 2014', async () => {
    stage.upstream.answers = { 'POST register': [dummy] };
    expect((await ask('GET', 'register', { token: false })).json).toEqual({
      flows: [{ type: 'm.login.password' }],
    });
    stage.upstream.answers = { 'POST register': [captcha] };
    expect((await ask('GET', 'register', { token: false })).status).toBe(403);
  });

  test("on v2_alpha -> today's, body and query as they came, with home_server", async () => {
    stage.upstream.answers = { 'POST register': [made] };
    const { json } = await ask('POST', 'register?kind=guest', {
      body: ' { }',
      token: false,
      prefix: 'v2_alpha',
    });
    expect(json.home_server).toBe('test');
    expect(stage.upstream.received[0]).toMatchObject({
      url: '/_matrix/client/v3/register?kind=guest',
      body: ' { }',
    });
  });
});

describe('a send without a transaction id', () => {
  const path = 'rooms/!r:test/send/m.room.message';
  const txnIds = (): (string | undefined)[] =>
    stage.upstream.received.map(({ url }) => url.split('/').at(-1));

  /** Every send is answered with its own transaction id. */
  function answerAll(): void {
    stage.upstream.answers = new Proxy({}, { get: () => [{ json: { event_id: '$e' } }] });
    stage.upstream.onRequest = () => {};
  }

  test('-> a PUT with one, the body byte for byte', async () => {
    answerAll();
    const { json } = await ask('POST', path, { body: '{"n":12345678901234567890, "body" : "x"}' });
    expect(json).toEqual({ event_id: '$e' });
    expect(stage.upstream.received[0]?.url).toMatch(
      /^\/_matrix\/client\/v3\/rooms\/!r%3Atest\/send\/m.room.message\/hindsync-/,
    );
    expect(stage.upstream.received[0]?.body).toBe('{"n":12345678901234567890, "body" : "x"}');
  });

  test('the same twice, both answered -> two sends', async () => {
    answerAll();
    for (let i = 0; i < 2; i += 1) await ask('POST', path, { body: { body: 'ok' } });
    expect(new Set(txnIds()).size).toBe(2);
  });

  test('repeated after a 502 -> the same transaction id', async () => {
    stage.upstream.onRequest = (_request, response) => void response.destroy();
    expect((await ask('POST', path, { body: { body: 'once' } })).status).toBe(502);
    answerAll();
    for (let i = 0; i < 2; i += 1) await ask('POST', path, { body: { body: 'once' } });
    const [first, second, third] = txnIds();
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test('repeated after the client left -> the same transaction id; something else -> another', async () => {
    answerAll();
    const leave = new AbortController();
    const arrived = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    stage.upstream.onRequest = () => {
      arrived.resolve();
      return goOn.promise;
    };
    const gone = ask('POST', path, { body: { body: 'late' }, signal: leave.signal }).catch(() => 'gone');
    await arrived.promise;
    leave.abort();
    expect(await gone).toBe('gone');
    goOn.resolve();
    await ask('POST', path, { body: { body: 'other' } });
    await ask('POST', path, { body: { body: 'late' } });
    const [first, other, again] = txnIds();
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test('a redaction -> the same way, with an empty body for none', async () => {
    answerAll();
    await ask('POST', 'rooms/%21r:test/redact/$x%2Fy');
    expect(stage.upstream.received[0]?.url).toContain('/rooms/!r%3Atest/redact/%24x%2Fy/hindsync-');
    expect(stage.upstream.received[0]?.body).toBe('{}');
  });
});

describe('room actions with a transaction id', () => {
  test('repeated -> the first answer, asked once; another id -> another room', async () => {
    stage.upstream.answers = {
      'POST createRoom': [{ json: { room_id: '!1' } }, { json: { room_id: '!2' } }],
    };
    const create = async (txnId: string) =>
      (await ask('PUT', `createRoom/${txnId}`, { body: { name: 'x' } })).json;
    expect(await Promise.all([create('1'), create('1')])).toEqual([{ room_id: '!1' }, { room_id: '!1' }]);
    expect(await create('2')).toEqual({ room_id: '!2' });
    expect(asked()).toEqual(['POST createRoom', 'POST createRoom']);
  });

  test('refused -> tried again when it is repeated', async () => {
    stage.upstream.answers = { 'POST join/%23a%3Atest': [forbidden, { json: { room_id: '!1' } }] };
    const join = () => ask('PUT', 'join/%23a:test/7', { body: 'null' });
    expect((await join()).status).toBe(403);
    expect((await join()).json).toEqual({ room_id: '!1' });
    expect(stage.upstream.received.map(({ body }) => body)).toEqual(['{}', '{}']);
  });
});

describe('legacy events', () => {
  test.each([
    { path: 'state', given: [anEvent, anEvent], expected: [aLegacyEvent, aLegacyEvent] },
    { path: 'members', given: { chunk: [anEvent] }, expected: { chunk: [aLegacyEvent] } },
    { path: 'members', given: { chunk: null }, expected: { chunk: [] } },
    { path: 'event/$e', given: anEvent, expected: aLegacyEvent },
    {
      path: 'context/$e',
      given: {
        start: 's',
        events_before: [],
        event: anEvent,
        events_after: [anEvent],
        state: [anEvent],
        end: 'e',
      },
      expected: {
        start: 's',
        events_before: [],
        event: aLegacyEvent,
        events_after: [aLegacyEvent],
        state: [aLegacyEvent],
        end: 'e',
      },
    },
    {
      path: 'messages',
      given: { chunk: [anEvent], start: 's', end: 'e', state: [anEvent] },
      expected: { chunk: [aLegacyEvent], start: 's', end: 'e', state: [aLegacyEvent] },
    },
  ])('$path -> with them', async ({ path, given, expected }) => {
    for (const room of ['!r:test', '%21r%3Atest']) {
      stage.upstream.answers = new Proxy({}, { get: () => [{ json: given }] });
      expect((await ask('GET', `rooms/${room}/${path}?limit=1`)).json).toEqual(expected);
    }
  });

  test('their query -> goes along, without the access token', async () => {
    stage.upstream.answers = { 'GET rooms/!r%3Atest/members': [{ json: { chunk: [] } }] };
    await ask('GET', 'rooms/!r:test/members?membership=join');
    expect(asked()).toEqual(['GET rooms/!r%3Atest/members?membership=join']);
    expect(stage.upstream.received[0]?.headers.authorization).toBe('Bearer t');
  });

  test('an answer that is no JSON -> 502', async () => {
    stage.upstream.answers = { 'GET rooms/!r%3Atest/state': [{ json: 'x' }] };
    expect(await ask('GET', 'rooms/!r:test/state')).toMatchObject({
      status: 502,
      json: { errcode: 'M_UNKNOWN' },
    });
  });

  test('HTTP/1.0 -> the whole answer, ended by the connection', async () => {
    stage.upstream.answers = { 'GET rooms/!r%3Atest/state': [{ json: [anEvent] }] };
    const { hostname, port } = new URL(stage.gateway.url);
    const { connect } = await import('node:net');
    const socket = connect(Number(port), hostname);
    socket.write('GET /_matrix/client/api/v1/rooms/!r:test/state?access_token=t HTTP/1.0\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toEqual([aLegacyEvent]);
  });
});

describe('the rest', () => {
  test('publicRooms -> all pages in one, with START and END', async () => {
    stage.upstream.answers = {
      'GET publicRooms': [
        { json: { chunk: [{ room_id: '!1', canonical_alias: '#1:test' }], next_batch: 'p2' } },
        { json: { chunk: [], next_batch: 'p3' } },
        { json: { chunk: [{ room_id: '!2', aliases: ['#2:test'] }] } },
      ],
    };
    expect((await ask('GET', 'publicRooms', { token: false })).json).toEqual({
      start: 'START',
      end: 'END',
      chunk: [
        { room_id: '!1', canonical_alias: '#1:test', aliases: ['#1:test'] },
        { room_id: '!2', aliases: ['#2:test'] },
      ],
    });
    expect(asked()).toEqual([
      'GET publicRooms?limit=500',
      'GET publicRooms?limit=500&since=p2',
      'GET publicRooms?limit=500&since=p3',
    ]);
  });

  test('publicRooms, a directory that comes round -> each page once', async () => {
    stage.upstream.answers = {
      'GET publicRooms': [{ json: { chunk: [{ room_id: '!1' }], next_batch: 'same' } }],
    };
    expect((await ask('GET', 'publicRooms')).json.chunk).toHaveLength(2);
    expect(asked()).toHaveLength(2);
  });

  test('publicRooms, ever new pages without rooms -> three of them', async () => {
    const pages = Array.from({ length: 10 }, (_, i) => ({ json: { chunk: [], next_batch: `p${i}` } }));
    stage.upstream.answers = { 'GET publicRooms': pages };
    expect((await ask('GET', 'publicRooms')).json.chunk).toEqual([]);
    expect(asked()).toHaveLength(3);
  });

  // Differs: the-old-directory-ends
  test('publicRooms, a directory that never ends -> its first 200 pages', async () => {
    stage.upstream.answers = {
      'GET publicRooms': Array.from({ length: 300 }, (_, i) => ({
        json: { chunk: [{ room_id: `!${i}` }], next_batch: `p${i}` },
      })),
    };
    expect((await ask('GET', 'publicRooms')).json.chunk).toHaveLength(200);
    expect(asked()).toHaveLength(200);
  });

  test('publicRooms, many at once from one address without a token -> two at a time, and all are answered', async () => {
    let atOnce = 0;
    let most = 0;
    stage.upstream.onRequest = async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
    };
    stage.upstream.answers = { 'GET publicRooms': [{ json: { chunk: [] } }] };
    const answers = Array.from({ length: 20 }, () => ask('GET', 'publicRooms', { token: false }));
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(most).toBeLessThanOrEqual(2);
  });

  test('publicRooms, a page asked for -> that page', async () => {
    stage.upstream.answers = { 'GET publicRooms': [{ json: { chunk: [], next_batch: 'n' } }] };
    const { json } = await ask('GET', 'publicRooms?limit=1');
    expect(json).toEqual({ start: 'START', end: 'END', chunk: [], next_batch: 'n' });
  });

  test('publicRooms, a later page fails while the first is held -> its error', async () => {
    stage.upstream.answers = { 'GET publicRooms': [{ json: { chunk: [{}], next_batch: 'n' } }, forbidden] };
    expect((await ask('GET', 'publicRooms')).status).toBe(403);
  });

  test('publicRooms, a later page fails when the first is under way -> cut, never closed', async () => {
    const chunk = [{ topic: 'x'.repeat(300_000) }];
    stage.upstream.answers = { 'GET publicRooms': [{ json: { chunk, next_batch: 'n' } }, forbidden] };
    await expect(ask('GET', 'publicRooms')).rejects.toThrow();
  });

  // Differs: presence-lists-are-what-was-told
  test('presence lists -> empty before anything was told, for who has an access token', async () => {
    expect((await ask('GET', 'presence/list/@me:test')).json).toEqual([]);
    expect((await ask('POST', 'presence/list/@me:test', { body: { invite: ['@a:test'] } })).json).toEqual({});
    expect((await ask('GET', 'presence/list/@me:test', { token: false })).status).toBe(401);
  });

  test('backfill -> legacy events before the given one', async () => {
    stage.upstream.answers = {
      'GET rooms/!r%3Atest/context/%24e': [{ json: { start: 's1', end: 's2' } }],
      'GET rooms/!r%3Atest/messages': [{ json: { chunk: [anEvent] } }],
    };
    expect((await ask('GET', 'rooms/!r:test/backfill?v=$e&limit=1')).json).toEqual([aLegacyEvent]);
    expect(asked()[1]).toBe('GET rooms/!r%3Atest/messages?dir=b&limit=1&from=s1');
  });

  test('what has moved -> passed on there, with its body and query', async () => {
    await ask('GET', 'rooms/%21r:test/members/@a%3Atest?x=%zz');
    await ask('PUT', 'rooms/!r:test/members/@a:test', { body: { membership: 'invite' } });
    await ask('POST', 'tokenrefresh', { body: { refresh_token: 'r' }, token: false, prefix: 'v2_alpha' });
    expect(stage.upstream.received.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['GET', '/_matrix/client/v3/rooms/%21r:test/state/m.room.member/@a%3Atest?x=%zz', ''],
      ['PUT', '/_matrix/client/v3/rooms/!r:test/state/m.room.member/@a:test', '{"membership":"invite"}'],
      ['POST', '/_matrix/client/v3/refresh', '{"refresh_token":"r"}'],
    ]);
  });

  test('a GET with the body null, as an old Python client sends it -> answered', async () => {
    stage.upstream.answers = { 'GET rooms/!r%3Atest/state': [{ json: [] }] };
    const status = await new Promise((resolve, reject) => {
      const url = `${stage.gateway.url}/_matrix/client/api/v1/rooms/!r:test/state?access_token=t`;
      const headers = { 'content-type': 'application/json', 'content-length': 4 };
      httpRequest(url, { headers }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end('null');
    });
    expect(status).toBe(200);
  });
});
