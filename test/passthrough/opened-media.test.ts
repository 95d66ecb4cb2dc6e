// Old media without an access token, opened for some networks: who gets them, and where the service token goes.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOpenMedia } from '../../src/passthrough/opened-media.ts';
import { okAnswer, startPassThrough, startRawUpstream, statusOf, valuesOf } from '../support/raw-http.ts';
import type { PassThroughServer, RawMessage, RawUpstream } from '../support/raw-http.ts';

const TOKEN = 'ServiceTokenQ7x';
const MEDIA = '/_matrix/media/v3/download/a.test/m';

let upstream: RawUpstream;
let refused: number[];
const gateways: PassThroughServer[] = [];
beforeEach(async () => {
  upstream = await startRawUpstream();
  refused = [];
});
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
  await upstream.close();
});

/** A gateway whose clients, all of them on 127.0.0.1, are those of these networks or not. */
async function aGateway(
  given: { networks?: string[]; trustedProxies?: string[]; isModern?: boolean } = {},
): Promise<PassThroughServer> {
  const { networks = ['127.0.0.0/8'], trustedProxies = [], isModern = true } = given;
  const onRefused = (status: number) => refused.push(status);
  const gateway = await startPassThrough(upstream.url, {
    trustedProxies,
    hasAuthenticatedMedia: () => isModern,
    openMedia: createOpenMedia({ accessToken: TOKEN, networks, trustedProxies, onRefused }),
  });
  gateways.push(gateway);
  return gateway;
}

/** One request to the gateway and one answer of the homeserver, both as they were seen at the other end. */
async function exchange(
  gateway: PassThroughServer,
  target: string,
  given: { method?: string; headers?: string; answer?: string } = {},
): Promise<{ request: RawMessage; answer: RawMessage }> {
  const { method = 'GET', headers = '', answer = okAnswer('{}') } = given;
  const client = await gateway.connect();
  client.write(`${method} ${target} HTTP/1.1\r\nHost: example.org\r\n${headers}\r\n`);
  const arrival = await upstream.arrival();
  arrival.connection.write(answer);
  const received = await client.message({ isHead: method === 'HEAD' });
  client.socket.destroy();
  return { request: arrival.request, answer: received };
}

const wholeOf = (message: RawMessage): string => JSON.stringify(message);

function expectUnchanged(request: RawMessage, start: string): void {
  expect(request.start).toBe(start);
  expect(wholeOf(request)).not.toContain(TOKEN);
}

function expectOpened(request: RawMessage, start: string): void {
  expect(request.start).toBe(start);
  expect(valuesOf(request, 'authorization')).toEqual([`Bearer ${TOKEN}`]);
}

describe('no access token, from a listed network -> the new place, on the service account', () => {
  test.each([
    ['GET', '/_matrix/media/r0/download/a.test/m/%C3%A4.png?x=%zz', 'download/a.test/m/%C3%A4.png?x=%zz'],
    ['GET', '/_matrix/media/v1/thumbnail/a/m?width=1&height=1', 'thumbnail/a/m?width=1&height=1'],
    ['HEAD', MEDIA, 'download/a.test/m'],
    ['GET', '/_matrix/content/a.test/m', 'download/a.test/m'],
    ['GET', `${MEDIA}?access_token=`, 'download/a.test/m'],
    ['GET', `${MEDIA}/sync`, 'download/a.test/m/sync'],
    ['GET', '/_matrix/media/v3/download/a%2Fb/m', 'download/a%2Fb/m'],
  ])('%s %s', async (method, target, expected) => {
    const { request, answer } = await exchange(await aGateway(), target, { method });
    expectOpened(request, `${method} /_matrix/client/v1/media/${expected} HTTP/1.1`);
    expect([statusOf(answer), answer.body]).toEqual([200, method === 'HEAD' ? '' : '{}']);
    expect(wholeOf(answer)).not.toContain(TOKEN);
  });

  test('with a range and conditions -> they are kept, both ways', async () => {
    const { request, answer } = await exchange(await aGateway(), MEDIA, {
      headers: 'Range: bytes=0-1\r\nIf-None-Match: "e"\r\nConnection: close, Authorization\r\n',
      answer: 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nab',
    });
    expectOpened(request, 'GET /_matrix/client/v1/media/download/a.test/m HTTP/1.1');
    expect([valuesOf(request, 'range'), valuesOf(request, 'if-none-match')]).toEqual([
      ['bytes=0-1'],
      ['"e"'],
    ]);
    expect([answer.start, answer.body]).toEqual(['HTTP/1.1 206 Partial Content', 'ab']);
    expect(valuesOf(answer, 'content-range')).toEqual(['bytes 0-1/9']);
  });
});

describe('who is in a listed network', () => {
  const START = `GET ${MEDIA} HTTP/1.1`;
  const NEW_START = 'GET /_matrix/client/v1/media/download/a.test/m HTTP/1.1';
  const networks = ['192.0.2.0/24'];

  test('a client of another one -> unchanged', async () => {
    const { request } = await exchange(await aGateway({ networks }), MEDIA);
    expectUnchanged(request, START);
  });

  test.each(['127.0.0.1', '192.0.2.1'])(
    'X-Forwarded-For: %s of a client that nobody trusts -> unchanged, wherever it is',
    async (address) => {
      const headers = `X-Forwarded-For: ${address}\r\n`;
      for (const listed of [networks, ['loopback']]) {
        const { request } = await exchange(await aGateway({ networks: listed }), MEDIA, { headers });
        expectUnchanged(request, START);
      }
    },
  );

  test.each(['192.0.2.1', '198.51.100.1, 192.0.2.1', '192.0.2.1, 127.0.0.1'])(
    'X-Forwarded-For: %s of a trusted proxy -> opened',
    async (addresses) => {
      const gateway = await aGateway({ networks, trustedProxies: ['loopback'] });
      const { request } = await exchange(gateway, MEDIA, { headers: `X-Forwarded-For: ${addresses}\r\n` });
      expectOpened(request, NEW_START);
    },
  );

  test.each([
    'X-Forwarded-For: 192.0.2.1, 198.51.100.1',
    'X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 198.51.100.1',
    'X-Forwarded-For: 192.0.2.1, ',
    'X-Forwarded-For: 192.0.2.1, unknown',
    'X-Forwarded-For: 192.0.2.1, 198.51.100.1, 127.0.0.1',
  ])(
    'a forged address before the real one, as a trusted proxy hands it on (%j) -> unchanged',
    async (line) => {
      const gateway = await aGateway({ networks, trustedProxies: ['loopback'] });
      const { request } = await exchange(gateway, MEDIA, { headers: `${line}\r\n` });
      expectUnchanged(request, START);
    },
  );

  test('a trusted proxy in a listed network, on behalf of somebody it does not name -> unchanged', async () => {
    const gateway = await aGateway({ networks: ['loopback'], trustedProxies: ['loopback'] });
    const { request } = await exchange(gateway, MEDIA, { headers: 'X-Forwarded-Proto: https\r\n' });
    expectUnchanged(request, START);
  });
});

describe('an access token of its own -> never the service token', () => {
  test.each([
    ['', 'Authorization: Bearer own\r\n'],
    ['?access_token=own', ''],
  ])('%j %j', async (query, headers) => {
    const { request } = await exchange(await aGateway(), MEDIA + query, { headers });
    expect(request.start).toBe('GET /_matrix/client/v1/media/download/a.test/m HTTP/1.1');
    expect(valuesOf(request, 'authorization')).toEqual(['Bearer own']);
  });

  test.each(['Basic x', ''])('a header %j that holds none -> the homeserver decides', async (value) => {
    const headers = `Authorization: ${value}\r\n`;
    const { request } = await exchange(await aGateway(), MEDIA, { headers });
    expect(valuesOf(request, 'authorization')).toEqual([value]);
  });
});

describe('anything else without an access token -> unchanged, and no service token', () => {
  test.each([
    ['POST', '/_matrix/media/v3/upload'],
    ['PUT', '/_matrix/media/v3/upload/a/m'],
    ['POST', MEDIA],
    ['OPTIONS', MEDIA],
    ['GET', '/_matrix/media/v3/config'],
    ['GET', '/_matrix/media/v3/preview_url?url=http://a/_matrix/media/v3/download/a/m'],
    ['GET', '/_matrix/media/v3/download/a'],
    ['GET', '/_matrix/media/v3/download//m'],
    ['GET', '/_matrix/media/v3/download%2Fa%2Fm'],
    ['GET', '/_matrix/media/v3/%64ownload/a/m'],
    ['GET', '/_matrix/media//v3/download/a/m'],
    ['GET', '/_matrix/media/v3/config?/download/a/m'],
    ['GET', '/_matrix/content/QGE6dGVzdA.aW1hZ2U'],
    ['GET', '/_matrix/client/v1/media/download/a/m'],
    ['GET', '/_matrix/client/v3/account/whoami'],
    ['GET', '/_matrix/client/v3/x?/_matrix/media/v3/download/a/m'],
    ['GET', '/_matrix/federation/v1/media/download/m'],
    ['GET', `${MEDIA}?user_id=@other:a.test`],
    ['GET', `${MEDIA}?user%5Fid=@other:a.test`],
    ['GET', `${MEDIA}?device_id=x`],
  ])('%s %s', async (method, target) => {
    const headers = method === 'GET' ? '' : 'Content-Length: 0\r\n';
    const { request } = await exchange(await aGateway(), target, { method, headers });
    expectUnchanged(request, `${method} ${target} HTTP/1.1`);
  });

  test('a homeserver without authenticated media -> unchanged', async () => {
    const { request } = await exchange(await aGateway({ isModern: false }), MEDIA);
    expectUnchanged(request, `GET ${MEDIA} HTTP/1.1`);
  });

  test.each([
    '/_matrix/media/v3/download/../../../client/v3/sync',
    '/_matrix/media/v3/download/a/..%2f..%2f..%2fv3%2fsync',
    '/_matrix/media/v3/download/a/m/..%5C..%5C..%5C..%5Cv3%5Csync',
    '/_matrix/media/v3/download/a/m%2f%2e%2e%2f%2e%2e%2fx',
    '/_matrix/media/v3/download/a/%252e%252e/m',
    '/_matrix/media/v3/thumbnail/./m',
    '/_matrix/content/a/..',
  ])('%s, which might lead elsewhere -> 404, and nothing goes up', async (target) => {
    const client = await (await aGateway()).connect();
    client.write(`GET ${target} HTTP/1.1\r\nHost: example.org\r\n\r\n`);
    expect(statusOf(await client.message())).toBe(404);
    expect(upstream.count()).toBe(0);
  });
});

describe("the homeserver's answer", () => {
  const anError = (status: string, errcode: string): string => {
    const body = `{"errcode":"${errcode}","error":"x","soft_logout":true,"consent_uri":"x"}`;
    return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };

  test.each([
    ['401 Unauthorized', 'M_UNKNOWN_TOKEN'],
    ['403 Forbidden', 'M_CONSENT_NOT_GIVEN'],
  ])('%s, which is about the service account -> media not found, said once', async (status, errcode) => {
    const gateway = await aGateway();
    for (const method of ['GET', 'HEAD', 'GET']) {
      const { answer } = await exchange(gateway, MEDIA, {
        method,
        answer: method === 'HEAD' ? `HTTP/1.1 ${status}\r\n\r\n` : anError(status, errcode),
      });
      expect(statusOf(answer)).toBe(404);
      expect(valuesOf(answer, 'cache-control').join()).toContain('no-store');
      if (method === 'GET')
        expect(JSON.parse(answer.body)).toEqual({ errcode: 'M_NOT_FOUND', error: 'Not found' });
    }
    expect(refused).toEqual([Number(status.slice(0, 3))]);
  });

  test.each(['404 Not Found', '429 Too Many Requests', '502 Bad PassThroughServer'])(
    '%s -> as it came',
    async (status) => {
      const { answer } = await exchange(await aGateway(), MEDIA, { answer: anError(status, 'M_X') });
      expect([answer.start, JSON.parse(answer.body).errcode]).toEqual([`HTTP/1.1 ${status}`, 'M_X']);
      expect(refused).toEqual([]);
    },
  );

  test.each([
    ['', 'private'],
    [
      'Cache-Control: public,max-age=86400,s-maxage=0,proxy-revalidate\r\nETag: "e"\r\n',
      'private, max-age=86400',
    ],
    ['Cache-Control: public\r\ncache-control: Max-Age=1, immutable\r\n', 'private, Max-Age=1, immutable'],
    ['Cache-Control: private, max-age=2\r\n', 'private, max-age=2'],
    ['Cache-Control: no-store\r\n', 'private, no-store'],
  ])('for caches %j -> for the own cache of the client alone', async (headers, expected) => {
    const { answer } = await exchange(await aGateway(), MEDIA, { answer: okAnswer('{}', headers) });
    expect(valuesOf(answer, 'cache-control')).toEqual([expected]);
    if (headers.includes('ETag')) expect(valuesOf(answer, 'etag')).toEqual(['"e"']);
  });

  test('a connection that breaks, a token that is refused, a file named sync -> no session is learnt', async () => {
    const gateway = await aGateway();
    await exchange(gateway, `${MEDIA}/sync`);
    await exchange(gateway, MEDIA, { answer: anError('401 Unauthorized', 'M_UNKNOWN_TOKEN') });
    const client = await gateway.connect();
    client.write(`GET ${MEDIA} HTTP/1.1\r\nHost: example.org\r\n\r\n`);
    (await upstream.arrival()).connection.socket.destroy();
    const answer = await client.message();
    expect(statusOf(answer)).toBe(502);
    expect(wholeOf(answer)).not.toContain(TOKEN);
    expect(gateway.answered).toEqual([]);
  });
});
