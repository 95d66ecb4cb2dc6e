// Where one request ends and the next begins: the gateway and the homeserver must never see it differently.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { okAnswer, startPassThrough, startRawUpstream, statusOf, valuesOf } from '../support/raw-http.ts';
import type { PassThroughServer, RawUpstream } from '../support/raw-http.ts';

let upstream: RawUpstream;
let gateway: PassThroughServer;
beforeEach(async () => {
  upstream = await startRawUpstream(okAnswer('{}'));
  gateway = await startPassThrough(upstream.url, {
    limits: { headersTimeoutMs: 300, requestTimeoutMs: 600, checkIntervalMs: 50 },
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const PATH = '/_matrix/client/v3/x';

describe('ambiguous or malformed -> 400 in Matrix form, connection closed, nothing sent up', () => {
  test.each([
    { name: 'CL.TE', head: 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG' },
    {
      name: 'TE.CL',
      head: 'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n',
    },
    { name: 'two differing lengths', head: 'Content-Length: 1\r\nContent-Length: 2\r\n\r\nab' },
    { name: 'two equal lengths', head: 'Content-Length: 1\r\nContent-Length: 1\r\n\r\na' },
    { name: 'a length list', head: 'Content-Length: 1, 2\r\n\r\nab' },
    { name: 'a signed length', head: 'Content-Length: +1\r\n\r\na' },
    { name: 'a hexadecimal length', head: 'Content-Length: 0x1\r\n\r\na' },
    { name: 'a huge length', head: `Content-Length: ${'9'.repeat(30)}\r\n\r\na` },
    { name: 'a space before the colon', head: 'Content-Length : 1\r\n\r\na' },
    { name: 'obs-fold after a length', head: 'X: a\r\n Content-Length: 5\r\n\r\nGET / ' },
    {
      name: 'an unknown transfer coding last',
      head: 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    },
    { name: 'a coding that only looks like chunked', head: 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n' },
    { name: 'a NUL in a header', head: 'X: a\0b\r\n\r\n' },
    { name: 'a bare CR in a header', head: 'X: a\rY: b\r\n\r\n' },
    { name: 'a header without a colon', head: 'Nonsense\r\n\r\n' },
  ])('$name', async ({ head }) => {
    const before = upstream.count();
    const client = await gateway.connect();
    client.write(`POST ${PATH} HTTP/1.1\r\nHost: example.org\r\n${head}`);
    const answer = await client.message();
    expect(statusOf(answer)).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ errcode: 'M_UNKNOWN' });
    expect(valuesOf(answer, 'access-control-allow-origin')).toEqual(['*']);
    await client.closed;
    expect(upstream.count()).toBe(before);
  });

  test.each([
    { name: 'no HTTP at all', text: '\x16\x03\x01\x02\r\n\r\n' },
    { name: 'HTTP/0.9', text: `GET ${PATH}\r\n\r\n` },
    { name: 'HTTP/2 preface', text: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
    { name: 'an unknown method', text: `BREWCOFFEE ${PATH} HTTP/1.1\r\nHost: a\r\n\r\n` },
    { name: 'unescaped UTF-8 in the path', text: `GET ${PATH}/\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n` },
    { name: 'a space in the path', text: `GET ${PATH} x HTTP/1.1\r\nHost: a\r\n\r\n` },
    { name: 'bare LF after the request line', text: `GET ${PATH} HTTP/1.1\nHost: a\n\n` },
  ])('$name', async ({ text }) => {
    const before = upstream.count();
    const client = await gateway.connect();
    client.write(text);
    expect(statusOf(await client.message())).toBe(400);
    await client.closed;
    expect(upstream.count()).toBe(before);
  });

  test.each([
    { name: 'two Hosts', head: 'Host: example.org\r\nHost: evil.example\r\n' },
    { name: 'two equal Hosts', head: 'Host: example.org\r\nhost: example.org\r\n' },
    { name: 'no Host', head: '' },
  ])('$name', async ({ head }) => {
    const before = upstream.count();
    const client = await gateway.connect();
    client.write(`GET ${PATH} HTTP/1.1\r\n${head}\r\n`);
    expect(statusOf(await client.message())).toBe(400);
    expect(upstream.count()).toBe(before);
  });
});

describe('a body goes up with the framing that it came with', () => {
  test('a chunked upload with extensions and trailers -> chunked, without them', async () => {
    const client = await gateway.connect();
    client.write(
      `POST ${PATH} HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n` +
        '4;ext="a;b"\r\nnull\r\n0\r\nX-T: 1\r\nAuthorization: Bearer evil\r\n\r\n',
    );
    expect(statusOf(await client.message())).toBe(200);
    const { request } = await upstream.arrival();
    expect(request.body).toBe('4\r\nnull\r\n0\r\n\r\n');
    expect(valuesOf(request, 'transfer-encoding')).toEqual(['chunked']);
    expect(valuesOf(request, 'content-length')).toEqual([]);
    expect(valuesOf(request, 'trailer')).toEqual([]);
    expect(valuesOf(request, 'authorization')).toEqual([]);
  });

  test.each(['POST', 'PUT', 'GET', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'QUERY'])(
    'a %s with the body `null` -> with it and its length',
    async (method) => {
      const client = await gateway.connect();
      client.write(
        `${method} ${PATH} HTTP/1.1\r\nHost: example.org\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull`,
      );
      expect(statusOf(await client.message())).toBe(200);
      const { request } = await upstream.arrival();
      expect(request.start).toBe(`${method} ${PATH} HTTP/1.1`);
      expect([request.body, valuesOf(request, 'content-length')]).toEqual(['null', ['4']]);
      expect(valuesOf(request, 'content-type')).toEqual(['application/json']);
    },
  );

  test.each(['garbage', 'application/json; charset', '', 'text/plain', '\xff'])(
    'whatever its content type is (%j) -> up as it came',
    async (type) => {
      const client = await gateway.connect();
      client.write(
        `POST ${PATH} HTTP/1.1\r\nHost: example.org\r\nContent-Type: ${type}\r\nContent-Length: 2\r\n\r\n{x`,
      );
      expect(statusOf(await client.message())).toBe(200);
      const { request } = await upstream.arrival();
      expect([request.body, valuesOf(request, 'content-type')]).toEqual(['{x', [type]]);
    },
  );

  test('an empty POST -> length 0', async () => {
    const client = await gateway.connect();
    client.write(`POST ${PATH} HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n\r\n`);
    await client.message();
    expect(valuesOf((await upstream.arrival()).request, 'content-length')).toEqual(['0']);
  });

  test('three requests in one packet -> three up, three answers in order', async () => {
    const before = upstream.count();
    const client = await gateway.connect();
    client.write([1, 2, 3].map((n) => `GET ${PATH}/${n} HTTP/1.1\r\nHost: example.org\r\n\r\n`).join(''));
    for (let n = 1; n <= 3; n += 1) expect(statusOf(await client.message())).toBe(200);
    expect(upstream.count() - before).toBe(3);
    const paths = [];
    for (let n = 1; n <= 3; n += 1) paths.push((await upstream.arrival()).request.start);
    expect(paths.toSorted()).toEqual([1, 2, 3].map((n) => `GET ${PATH}/${n} HTTP/1.1`));
  });

  test('garbage behind a good request -> the good one may be lost, but never gets the bad one’s 400', async () => {
    const slow = await startRawUpstream();
    const own = await startPassThrough(slow.url);
    const client = await own.connect();
    client.write(`GET ${PATH} HTTP/1.1\r\nHost: example.org\r\n\r\n\0\0\0\r\n\r\n`);
    expect(await client.rest()).toBe('');
    await own.close();
    await slow.close();
  });
});

describe('too much, too slow', () => {
  test('60 KB of headers -> passed on whole', async () => {
    const client = await gateway.connect();
    client.write(`GET ${PATH} HTTP/1.1\r\nHost: example.org\r\nX-Big: ${'a'.repeat(60_000)}\r\n\r\n`);
    expect(statusOf(await client.message())).toBe(200);
    expect(valuesOf((await upstream.arrival()).request, 'x-big')[0]).toHaveLength(60_000);
  });

  test('70 KB of headers -> 431 M_TOO_LARGE', async () => {
    const client = await gateway.connect();
    client.write(`GET ${PATH} HTTP/1.1\r\nHost: example.org\r\nX-Big: ${'a'.repeat(70_000)}\r\n\r\n`);
    const answer = await client.message();
    expect([statusOf(answer), JSON.parse(answer.body).errcode]).toEqual([431, 'M_TOO_LARGE']);
  });

  test('an id of 1,000 characters, each escaped -> passed on', async () => {
    const id = '%C3'.repeat(1000);
    const client = await gateway.connect();
    client.write(`GET /_matrix/client/v3/rooms/${id}/state HTTP/1.1\r\nHost: example.org\r\n\r\n`);
    expect(statusOf(await client.message())).toBe(200);
    expect((await upstream.arrival()).request.start).toBe(
      `GET /_matrix/client/v3/rooms/${id}/state HTTP/1.1`,
    );
  });

  test('headers that never end -> 408 in Matrix form, closed', async () => {
    const client = await gateway.connect();
    client.write(`GET ${PATH} HTTP/1.1\r\nHost: example.org\r\nX: `);
    const answer = await client.message();
    expect([statusOf(answer), JSON.parse(answer.body).errcode]).toEqual([408, 'M_UNKNOWN']);
    await client.closed;
  });

  test('a body that never ends -> closed, and the homeserver’s request with it', async () => {
    const before = upstream.count();
    const client = await gateway.connect();
    client.write(`POST ${PATH} HTTP/1.1\r\nHost: example.org\r\nContent-Length: 10\r\n\r\nabc`);
    await client.closed;
    expect(upstream.count()).toBe(before);
  });

  test('a bad chunk in the midst of a body -> the homeserver never sees a whole request', async () => {
    const before = upstream.count();
    const client = await gateway.connect();
    client.write(
      `POST ${PATH} HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n`,
    );
    expect(statusOf(await client.message())).toBe(400);
    await client.closed;
    expect(upstream.count()).toBe(before);
  });
});
