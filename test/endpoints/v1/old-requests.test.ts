// What clients of the time leave out of a request, or put where nobody looks any more: bodies, types, tokens, queries.

import { beforeEach, describe, expect, test } from 'vitest';
import { OLD } from '../../../src/endpoints/route-rows.ts';
import type { Prefix } from '../../../src/http/route-pattern.ts';
import { ROUTES } from '../../../src/routes.ts';
import { type Received } from '../../support/json-upstream.ts';
import { useUpstreamStage } from '../../support/upstream-stage.ts';

const stage = useUpstreamStage({ homeserverKind: 'synapse' });
beforeEach(() => {
  stage.upstream.answers = new Proxy({}, { get: () => [{ json: { event_id: '$e' } }] });
});

const FORM = 'application/x-www-form-urlencoded';

interface Sent {
  body?: string | undefined;
  contentType?: string;
  authorization?: string;
}

async function ask(method: string, path: string, { body, contentType, authorization }: Sent = {}) {
  const response = await fetch(`${stage.gateway.url}/_matrix/client/${path}`, {
    method,
    headers: {
      ...(contentType !== undefined && { 'content-type': contentType }),
      ...(authorization !== undefined && { authorization }),
    },
    ...(body !== undefined && { body }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

const urls = (): string[] => stage.upstream.received.map(({ url }) => url);
const firstReceived = (): Received | undefined => stage.upstream.received[0];

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
const filled = (path: string): string => path.replaceAll('*', '%21x:test');

describe('no body', () => {
  const bodiless = rows.filter(
    (row) => row.what === 'answer' && row.isUnread !== undefined && row.to === undefined,
  );

  test.each(bodiless)('$name -> {} for none and for null, as JSON, and any other as it came', async (row) => {
    const path = `${row.prefix}/${filled(row.path)}?access_token=t&foo=1`;
    const other = ' {"n":9007199254740993, "f":21.0}';
    const long = ` {"n":9007199254740993,"x":"${'x'.repeat(1_100_000)}"}`;
    for (const body of [undefined, '', 'null', ' null\n', other, long]) {
      expect(await ask(row.method, path, { body })).toEqual({ status: 200, json: { event_id: '$e' } });
    }
    expect(stage.upstream.received.map(({ body }) => body)).toEqual(['{}', '{}', '{}', '{}', other, long]);
    for (const { url, headers } of stage.upstream.received.slice(0, 5)) {
      expect(url).toBe(`/_matrix/client/v3/${filled(row.path)}?foo=1`);
      expect(headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer t' });
    }
  });

  test.each(['api/v1', 'v2_alpha', 'r0'] as const)('below %s -> on every route that needs none', (prefix) => {
    const routes = bodiless.filter((row) => row.prefix === prefix).map(({ path }) => path);
    for (const path of [
      'join/*',
      'rooms/*/leave',
      'rooms/*/receipt/*/*',
      'rooms/*/read_markers',
      'rooms/*/typing/*',
    ])
      expect(routes).toContain(path);
  });

  test('v3 -> passed as it came', async () => {
    await ask('POST', 'v3/join/!x:test?access_token=t', { body: 'null' });
    expect(firstReceived()?.body).toBe('null');
  });
});

describe('the query', () => {
  /** Those that ask in words of their own, or ask nothing: their queries are read, and each is an endpoint by itself. */
  const OWN_WORDS = [
    'events',
    'events/**',
    'initialSync',
    'rooms/*/initialSync',
    'rooms/*/messages',
    'rooms/*/backfill',
    'sync',
  ];
  const ASK_NOTHING = ['presence/list/*'];

  test.each(
    rows.filter(({ what, path }) => what === 'answer' && ![...OWN_WORDS, ...ASK_NOTHING].includes(path)),
  )('of $name -> reaches the homeserver', async ({ method, prefix, path }) => {
    await ask(method, `${prefix}/${filled(path)}?ts=1&foo=1&foo=2&access_token=t&user_id=%40bot:test`, {
      ...(method !== 'GET' && { body: '{"type":"m.login.password","password":"p"}' }),
    });
    const { searchParams } = new URL(urls().at(-1) ?? '', 'http://x');
    expect([searchParams.get('ts'), searchParams.getAll('foo')]).toEqual(['1', ['1', '2']]);
    expect(searchParams.get('access_token')).toBeNull();
    // Nobody logs in or looks at the public rooms as somebody else.
    if (!['login', 'register', 'publicRooms'].includes(path))
      expect(searchParams.get('user_id')).toBe('@bot:test');
  });

  test('a send that is repeated with another timestamp -> another send', async () => {
    stage.upstream.onRequest = (_request, response) => void response.destroy();
    const path = 'api/v1/rooms/!r:test/send/m.room.message?access_token=t&ts=';
    for (const ts of [1, 1, 2]) await ask('POST', path + String(ts), { body: '{}' });
    const [first, again, other] = urls().map((url) => /hindsync-[^?]+/.exec(url)?.[0]);
    expect([again === first, other === first]).toEqual([true, false]);
  });
});

describe('an access token in a form', () => {
  const join = (prefix: Prefix, body: string, more: Sent & { query?: string } = {}) =>
    ask('POST', `${prefix}/join/%23a:test${more.query ?? ''}`, { body, contentType: FORM, ...more });

  test.each(['api/v1', 'v2_alpha'] as const)(
    'below %s -> is the token, and the body is none',
    async (prefix) => {
      expect((await join(prefix, 'access_token=a%2Bb&x=1')).status).toBe(200);
      expect(firstReceived()).toMatchObject({
        url: '/_matrix/client/v3/join/%23a:test',
        body: '{}',
        headers: { authorization: 'Bearer a+b' },
      });
    },
  );

  test('on a route with a session of its own -> the same', async () => {
    const path = 'api/v1/rooms/!r:test/redact/$e';
    expect(
      (await ask('POST', path, { body: 'access_token=f', contentType: `${FORM}; charset=utf-8` })).status,
    ).toBe(200);
    expect(firstReceived()).toMatchObject({ body: '{}', headers: { authorization: 'Bearer f' } });
  });

  test('one in the query as well -> that one; one in a header -> 401, as for a query', async () => {
    await join('api/v1', 'access_token=f', { query: '?access_token=q' });
    expect(firstReceived()?.headers.authorization).toBe('Bearer q');
    expect(await join('api/v1', 'access_token=f', { authorization: 'Bearer h' })).toMatchObject({
      status: 401,
      json: { errcode: 'M_MISSING_TOKEN' },
    });
  });

  test.each([
    { what: 'JSON that is called a form', body: '{"reason":"access_token=x"}', contentType: FORM },
    { what: 'a form that is called JSON', body: 'access_token=x', contentType: 'application/json' },
    { what: 'a form above 64 KB', body: `access_token=${'x'.repeat(70_000)}`, contentType: FORM },
  ])('$what -> a body', async ({ body, contentType }) => {
    await ask('POST', 'api/v1/join/%23a:test?access_token=q', { body, contentType });
    expect(firstReceived()).toMatchObject({ body, headers: { authorization: 'Bearer q' } });
  });

  test('below r0 -> a body', async () => {
    await join('r0', 'access_token=f', { query: '?access_token=q' });
    expect(firstReceived()).toMatchObject({ body: 'access_token=f', headers: { authorization: 'Bearer q' } });
  });
});

describe('accounts', () => {
  test.each(OLD)('%s/login -> home_server in the answer, identifier beside user', async (prefix) => {
    stage.upstream.answers = { 'POST login': [{ json: { user_id: '@a:hs.test', access_token: 's' } }] };
    const body = '{"type":"m.login.password","user":"a","password":"p"}';
    const { json } = await ask('POST', `${prefix}/login`, { body });
    expect(json).toEqual({ user_id: '@a:hs.test', access_token: 's', home_server: 'hs.test' });
    expect(JSON.parse(firstReceived()?.body ?? '')).toEqual({
      type: 'm.login.password',
      user: 'a',
      password: 'p',
      identifier: { type: 'm.id.user', user: 'a' },
    });
  });

  test.each(OLD)('%s: a token that can be none -> not sent on', async (prefix) => {
    for (const none of ['None', 'null', 'undefined']) {
      const body = '{"type":"m.login.password","user":"@a:test","password":"p"}';
      await ask('GET', `${prefix}/login`, { authorization: `Bearer ${none}` });
      await ask('POST', `${prefix}/login`, { body, authorization: `Bearer ${none}` });
      await ask('POST', `${prefix}/register?access_token=${none}`, { body });
    }
    expect(stage.upstream.received).toHaveLength(9);
    for (const { url, headers } of stage.upstream.received)
      expect([url.includes('access_token'), headers.authorization]).toEqual([false, undefined]);
  });

  test('v3/login -> passed as it came', async () => {
    await ask('POST', 'v3/login', { body: '{"user":"a"}', authorization: 'Bearer None' });
    expect(firstReceived()).toMatchObject({
      body: '{"user":"a"}',
      headers: { authorization: 'Bearer None' },
    });
  });

  test.each([
    { who: 'an application service', body: { username: 'irc_a' }, type: 'm.login.application_service' },
    { who: 'one that says so', body: { type: 'x', username: 'irc_a' }, type: 'x' },
    { who: 'somebody with a password', body: { username: 'a', password: 'p' }, type: undefined },
    { who: 'a second step', body: { username: 'a', auth: {} }, type: undefined },
    { who: 'somebody who asks for the flows', body: {}, type: undefined },
  ])('r0/register of $who with a token -> its type is $type', async ({ body, type }) => {
    for (const prefix of ['r0', 'v2_alpha']) {
      await ask('POST', `${prefix}/register?access_token=as`, { body: JSON.stringify(body) });
      expect(JSON.parse(stage.upstream.received.at(-1)?.body ?? '')).toEqual({
        ...body,
        ...(type !== undefined && { type }),
      });
    }
  });

  test('r0/register without a token -> the very bytes, and the homeserver’s own 401', async () => {
    const flows = { session: 'S', flows: [{ stages: ['m.login.dummy'] }] };
    stage.upstream.answers = { 'POST register': [{ status: 401, json: flows }] };
    expect(await ask('POST', 'r0/register', { body: ' {"username":"a"}' })).toEqual({
      status: 401,
      json: flows,
    });
    expect(firstReceived()?.body).toBe(' {"username":"a"}');
  });
});

test.each(['send/m.room.message', 'redact/$e'])(
  'POST r0/rooms/…/%s without a transaction id -> a PUT',
  async (what) => {
    expect(
      await ask('POST', `r0/rooms/!r:test/${what}?access_token=t`, { body: '{"body":"x"}' }),
    ).toMatchObject({
      status: 200,
      json: { event_id: '$e' },
    });
    expect(firstReceived()).toMatchObject({ method: 'PUT', body: '{"body":"x"}' });
    expect(firstReceived()?.url).toMatch(
      /^\/_matrix\/client\/v3\/rooms\/!r%3Atest\/(?:send|redact)\/[^/]+\/hindsync-/,
    );
  },
);

describe('END in messages', () => {
  const page = { chunk: [], start: 's5_1' };
  beforeEach(() => {
    stage.upstream.answers = {
      'GET rooms/!r:test/messages': [{ json: page }],
      'GET sync': [{ json: { next_batch: 's7_1' } }],
    };
    stage.upstream.answers['GET rooms/!r%3Atest/messages'] = [{ json: page }];
  });
  const askedOfMessages = (): Record<string, string>[] =>
    urls()
      .filter((url) => url.includes('/messages'))
      .map((url) => Object.fromEntries(new URL(url, 'http://x').searchParams));

  test.each([
    { query: 'dir=b&from=END', sent: { dir: 'b' } },
    { query: 'dir=f&to=END&from=s1_1', sent: { dir: 'f', from: 's1_1' } },
    { query: 'dir=f&from=END', sent: { dir: 'f', from: 's7_1' } },
  ])('$query, below each old prefix -> $sent', async ({ query, sent }) => {
    for (const prefix of ['api/v1', 'v2_alpha', 'r0'])
      expect(
        (await ask('GET', `${prefix}/rooms/!r:test/messages?access_token=t&limit=3&${query}`)).status,
      ).toBe(200);
    expect(askedOfMessages()).toEqual(Array.from({ length: 3 }, () => ({ limit: '3', ...sent })));
  });

  test('below v3 -> passed as it came', async () => {
    await ask('GET', 'v3/rooms/!r:test/messages?access_token=t&dir=b&from=END');
    expect(askedOfMessages()).toEqual([{ dir: 'b', from: 'END' }]);
  });
});
