// Which URLs go up, and that they do so byte for byte.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { okAnswer, startPassThrough, startRawUpstream, statusOf, valuesOf } from '../support/raw-http.ts';
import type { PassThroughServer, RawMessage, RawUpstream } from '../support/raw-http.ts';

let upstream: RawUpstream;
let gateway: PassThroughServer;
beforeAll(async () => {
  upstream = await startRawUpstream(okAnswer('{}'));
  gateway = await startPassThrough(upstream.url);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

async function ask(
  target: string,
  options: { to?: PassThroughServer; method?: string; headers?: string } = {},
): Promise<RawMessage> {
  const { to = gateway, method = 'GET', headers = '' } = options;
  const client = await to.connect();
  client.write(`${method} ${target} HTTP/1.1\r\nHost: example.org\r\n${headers}\r\n`);
  const answer = await client.message();
  client.socket.destroy();
  return answer;
}

/** What the upstream was asked for; fails where nothing arrived. */
async function passedOn(target: string, options: Parameters<typeof ask>[1] = {}): Promise<RawMessage> {
  expect(statusOf(await ask(target, options))).toBe(200);
  return (await upstream.arrival()).request;
}

describe('passes unchanged by a byte', () => {
  test.each([
    '/_matrix/client/v3/rooms/!a:example.org/state/x/..foo',
    '/_matrix/client/v3/a\\b',
    '/_matrix/client/v3/%zz',
    '/_matrix/client/v3/%',
    '/_matrix/client/v3/%FF%fe',
    '/_matrix/client/v3/%C3%A9',
    '/_matrix/client//v3///x/',
    '/_matrix/client/v3/rooms/%21a%2Fb%3Aexample.org/state',
    '/_matrix/client/v3/%252F%2f',
    '/_matrix/client/v3/"`{}|^<>[]',
    "/_matrix/client/v3/a;b=c,d!e$f&g'h(i)*j+k@l~m",
    '/_matrix/client/v3/x?a=1&a=2&b[]=%zz&c={"x":[1]}&d=\\..\\&e=/../&&',
    '/_matrix/client/v3/x?',
    '/_matrix/client/v3/x??a?b',
    '/_matrix/client/v3/x#fragment',
    '/_matrix/client/api/v1/register',
    '/_matrix/client/r0/login',
    '/_matrix/federation/v1/send/1?access_token=t',
    '/_matrix/key/v2/server?access_token=t&x=%zz',
    '/_synapse/client/oidc/callback?code=a%2Bb',
    '/.well-known/matrix/client',
  ])('%s', async (target) => {
    expect((await passedOn(target)).start).toBe(`GET ${target} HTTP/1.1`);
  });

  test.each(['BIND', 'LINK', 'M-SEARCH', 'PURGE', 'REPORT', 'TRACE', 'UNLOCK'])(
    'method %s',
    async (method) => {
      expect((await passedOn('/_matrix/client/v3/x', { method })).start).toBe(
        `${method} /_matrix/client/v3/x HTTP/1.1`,
      );
    },
  );
});

describe('404 M_UNRECOGNIZED, and nothing goes up', () => {
  test.each([
    '/',
    '/_synapse/admin/v1/users',
    '/_matrix',
    '/%5fmatrix/client/v3/x',
    '/_MATRIX/client/v3/x',
    '//_matrix/client/v3/x',
    '//evil.example/_matrix/client/v3/x',
    '/_matrix/../_synapse/admin/v1/users',
    '/_matrix/%2e%2e/_synapse/admin/v1/users',
    '/_matrix/.%2E/_synapse/admin/v1/users',
    '/_matrix/client/..\\..\\_synapse/admin',
    '/_matrix/client%5c..%5c..%5c_synapse/admin',
    '/_matrix/client%2f..%2f..%2f_synapse/admin',
    '/_matrix/client/./v3/x',
    '/_matrix/client/v3/x/..',
    '/_matrix/%zz/../x',
    '/_matrix/client/v3/..?x=1',
    'https://evil.example:8448/_synapse/admin',
    'http://user@evil.example/_matrix/client/v3/x',
    'ftp://evil.example/_matrix/client/v3/x',
    'http://evil.example/_matrix/../_synapse/admin',
    'http://evil.example?/_matrix/client/v3/x',
  ])('%s', async (target) => {
    const before = upstream.count();
    const answer = await ask(target);
    expect(statusOf(answer)).toBe(404);
    expect(JSON.parse(answer.body)).toEqual({ errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' });
    expect(valuesOf(answer, 'access-control-allow-origin')).toEqual(['*']);
    expect(upstream.count()).toBe(before);
  });

  test.each(['http://example.net', 'https://example.net:8448', 'HTTP://EXAMPLE.NET'])(
    'a whole URL (%s) -> its path, and its host as the Host',
    async (origin) => {
      const request = await passedOn(`${origin}/_matrix/client/v3/x?a=%zz`);
      expect(request.start).toBe('GET /_matrix/client/v3/x?a=%zz HTTP/1.1');
      expect(valuesOf(request, 'host')).toEqual([origin.slice(origin.indexOf('//') + 2)]);
    },
  );

  test('OPTIONS *', async () => {
    const before = upstream.count();
    expect(statusOf(await ask('*', { method: 'OPTIONS' }))).toBe(404);
    expect(upstream.count()).toBe(before);
  });

  test('CONNECT -> no tunnel', async () => {
    const before = upstream.connections();
    const client = await gateway.connect();
    client.write('CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n');
    expect(await client.rest()).not.toMatch(/^HTTP\/1\.1 2/);
    expect(upstream.connections()).toBe(before);
  });
});

describe('the access token in the query', () => {
  test('-> becomes a header, every copy is gone, the rest stays', async () => {
    const request = await passedOn('/_matrix/client/v3/sync?a=%zz&access_token=t%2B1&b[]=1&access%5Ftoken=u');
    expect(request.start).toBe('GET /_matrix/client/v3/sync?a=%zz&b[]=1 HTTP/1.1');
    expect(valuesOf(request, 'authorization')).toEqual(['Bearer t+1']);
  });

  test.each(['/_matrix/client/v3/x', '/_matrix/media/v3/download/a/b', '/_matrix/content/x'])(
    'alone, on %s -> no dangling question mark',
    async (path) => {
      const request = await passedOn(`${path}?access_token=t`);
      expect([request.start, valuesOf(request, 'authorization')]).toEqual([
        `GET ${path} HTTP/1.1`,
        ['Bearer t'],
      ]);
    },
  );

  test('empty -> gone, and nothing is sent', async () => {
    const request = await passedOn('/_matrix/client/v3/login?access_token=');
    expect([request.start, valuesOf(request, 'authorization')]).toEqual([
      'GET /_matrix/client/v3/login HTTP/1.1',
      [],
    ]);
  });

  test.each(['t', ''])('and in the header (%j in the query) -> 401 M_MISSING_TOKEN', async (token) => {
    const before = upstream.count();
    const answer = await ask(`/_matrix/client/v3/sync?access_token=${token}`, {
      headers: 'Authorization: Bearer u\r\n',
    });
    expect([statusOf(answer), JSON.parse(answer.body).errcode]).toEqual([401, 'M_MISSING_TOKEN']);
    expect(upstream.count()).toBe(before);
  });

  test.each(['a%0d%0aX-Evil:1', 'a%00', 'a%20b', '%C3%A9', '%F0%9F%98%80'])(
    '%s, which no header can carry -> 401 M_UNKNOWN_TOKEN',
    async (token) => {
      const before = upstream.count();
      const answer = await ask(`/_matrix/client/v3/sync?access_token=${token}`);
      expect([statusOf(answer), JSON.parse(answer.body).errcode]).toEqual([401, 'M_UNKNOWN_TOKEN']);
      expect(upstream.count()).toBe(before);
    },
  );

  test('a header of another scheme, none in the query -> the homeserver decides', async () => {
    const request = await passedOn('/_matrix/client/v3/sync', { headers: 'Authorization: Basic x\r\n' });
    expect(valuesOf(request, 'authorization')).toEqual(['Basic x']);
  });
});

describe('prefixes', () => {
  test('api/v1 and v2_alpha where only the prefix changed -> v3, with the rest as it came', async () => {
    expect(
      (await passedOn('/_matrix/client/api/v1/rooms/!a%2Fb/messages?from=t%zz&access_token=t')).start,
    ).toBe('GET /_matrix/client/v3/rooms/!a%2Fb/messages?from=t%zz HTTP/1.1');
    expect(
      (
        await passedOn('/_matrix/client/v2_alpha/register', {
          method: 'POST',
          headers: 'Content-Length: 0\r\n',
        })
      ).start,
    ).toBe('POST /_matrix/client/v3/register HTTP/1.1');
  });

  test('r0 on a homeserver without it -> v3', async () => {
    const modern = await startPassThrough(upstream.url, {
      prefixesOf: () => ({ hasR0: false, hasV3: true }),
    });
    expect((await passedOn('/_matrix/client/r0/login', { to: modern })).start).toBe(
      'GET /_matrix/client/v3/login HTTP/1.1',
    );
    await modern.close();
  });
});

describe('old media, where the homeserver has a new place for them', () => {
  let modern: PassThroughServer;
  beforeAll(async () => {
    modern = await startPassThrough(upstream.url, { hasAuthenticatedMedia: () => true });
  });
  afterAll(() => modern.close());

  test('the access token in a header -> the new place, ranges and the rest kept', async () => {
    const headers = 'Authorization: Bearer t\r\nRange: bytes=0-9\r\nIf-None-Match: "e"\r\n';
    const request = await passedOn('/_matrix/media/v3/download/a.test/m?x=%zz', { to: modern, headers });
    expect(request.start).toBe('GET /_matrix/client/v1/media/download/a.test/m?x=%zz HTTP/1.1');
    expect([valuesOf(request, 'range'), valuesOf(request, 'if-none-match')]).toEqual([
      ['bytes=0-9'],
      ['"e"'],
    ]);
  });

  test('the access token in the query -> the new place, and a header', async () => {
    const request = await passedOn('/_matrix/media/v1/thumbnail/a/m?access_token=t&width=1', { to: modern });
    expect(request.start).toBe('GET /_matrix/client/v1/media/thumbnail/a/m?width=1 HTTP/1.1');
    expect(valuesOf(request, 'authorization')).toEqual(['Bearer t']);
  });

  test.each(['', '?access_token='])('no access token (%j) -> the old place', async (query) => {
    const request = await passedOn(`/_matrix/media/v1/download/a/m${query}`, { to: modern });
    expect(request.start).toBe('GET /_matrix/media/v1/download/a/m HTTP/1.1');
  });

  test('the homeserver has no new place -> the old one', async () => {
    const request = await passedOn('/_matrix/media/v1/download/a/m?access_token=t');
    expect(request.start).toBe('GET /_matrix/media/v1/download/a/m HTTP/1.1');
  });
});
