// Headers both ways: what stops, what is ours, and everything else as it came.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { okAnswer, startPassThrough, startRawUpstream, statusOf, valuesOf } from '../support/raw-http.ts';
import type { PassThroughServer, RawMessage, RawUpstream } from '../support/raw-http.ts';

const PATH = '/_matrix/client/v3/x';
let upstream: RawUpstream;
let gateway: PassThroughServer;
let behindProxy: PassThroughServer;
beforeEach(async () => {
  upstream = await startRawUpstream();
  gateway = await startPassThrough(upstream.url);
  behindProxy = await startPassThrough(upstream.url, { trustedProxies: ['loopback'] });
});
afterEach(async () => {
  await gateway.close();
  await behindProxy.close();
  await upstream.close();
});

/** Sends a request with these header lines and answers it; both ends as they were seen. */
async function exchange(
  headerLines: string,
  options: { to?: PassThroughServer; answer?: string; start?: string; body?: string } = {},
): Promise<{ request: RawMessage; answer: RawMessage }> {
  const { to = gateway, answer = okAnswer('{}'), start = `GET ${PATH} HTTP/1.1`, body = '' } = options;
  const client = await to.connect();
  client.write(`${start}\r\nHost: matrix.example.org\r\n${headerLines}\r\n${body}`);
  const arrival = await upstream.arrival();
  arrival.connection.write(answer);
  const received = await client.message({ isHead: start.startsWith('HEAD') });
  client.socket.destroy();
  return { request: arrival.request, answer: received };
}

describe('requests', () => {
  test('ordinary headers -> in order, spelling, repetition and bytes as they came', async () => {
    const { request } = await exchange(
      'X-b: 1\r\nx-A:  two words\r\nX-b: \xe9\r\nCookie: a=1\r\nX-Empty:\r\n',
    );
    expect(request.headers.filter(([name]) => /^(x-.$|cookie|x-empty)/i.test(name))).toEqual([
      ['X-b', '1'],
      ['x-A', 'two words'],
      ['X-b', '\xe9'],
      ['Cookie', 'a=1'],
      ['X-Empty', ''],
    ]);
  });

  test("the client's Host -> kept, and told as X-Forwarded-Host", async () => {
    const { request } = await exchange('');
    expect(valuesOf(request, 'host')).toEqual(['matrix.example.org']);
    expect(valuesOf(request, 'x-forwarded-host')).toEqual(['matrix.example.org']);
  });

  test('hop-by-hop headers, named or not -> stop here', async () => {
    const { request } = await exchange(
      'Connection: keep-alive, X-Hop, TE\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nTrailer: X\r\n' +
        'Proxy-Authorization: Basic x\r\nProxy-Connection: close\r\nProxy: http://evil\r\nX-Stays: 1\r\n',
    );
    const names = request.headers.map(([name]) => name.toLowerCase());
    for (const gone of [
      'x-hop',
      'keep-alive',
      'te',
      'trailer',
      'proxy-authorization',
      'proxy-connection',
      'proxy',
    ]) {
      expect(names).not.toContain(gone);
    }
    expect(names).toContain('x-stays');
    expect(valuesOf(request, 'connection')).toEqual(['keep-alive']);
  });

  test('Connection names who asks or where a body ends -> those stay', async () => {
    const { request } = await exchange(
      'Connection: close, authorization, x-forwarded-for, x-forwarded-proto, host, content-length, cookie\r\n' +
        'Authorization: Bearer t\r\nCookie: a=1\r\nContent-Length: 4\r\n',
      { start: `POST ${PATH} HTTP/1.1`, body: 'null' },
    );
    expect(valuesOf(request, 'authorization')).toEqual(['Bearer t']);
    expect(valuesOf(request, 'cookie')).toEqual(['a=1']);
    expect(valuesOf(request, 'content-length')).toEqual(['4']);
    expect(valuesOf(request, 'host')).toEqual(['matrix.example.org']);
    expect(valuesOf(request, 'x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['http']);
    expect(request.body).toBe('null');
  });

  test('an upgrade to h2c -> an ordinary request, without it', async () => {
    const { request, answer } = await exchange(
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
    );
    expect(statusOf(answer)).toBe(200);
    for (const name of ['upgrade', 'http2-settings']) expect(valuesOf(request, name)).toEqual([]);
  });

  test('an upgrade to a WebSocket -> an ordinary request, without it', async () => {
    const { request, answer } = await exchange(
      'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n',
    );
    expect([statusOf(answer), valuesOf(request, 'upgrade')]).toEqual([200, []]);
  });

  test('Expect: 100-continue -> answered here, and not sent up', async () => {
    const client = await gateway.connect();
    client.write(`POST ${PATH} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
    expect((await client.message()).start).toBe('HTTP/1.1 100 Continue');
    client.write('null');
    const { request, connection } = await upstream.arrival();
    expect([request.body, valuesOf(request, 'expect')]).toEqual(['null', []]);
    connection.write(okAnswer('{}'));
    expect(statusOf(await client.message())).toBe(200);
  });

  test('another Expect -> 417 in Matrix form', async () => {
    const client = await gateway.connect();
    client.write(`GET ${PATH} HTTP/1.1\r\nHost: a\r\nExpect: the-unexpected\r\n\r\n`);
    const answer = await client.message();
    expect([statusOf(answer), JSON.parse(answer.body).errcode]).toEqual([417, 'M_UNKNOWN']);
  });
});

describe('where a request came from', () => {
  const claims =
    'X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 198.51.100.2\r\nX-Forwarded-Proto: https\r\n' +
    'X-Forwarded-Host: claimed.example\r\nX-Forwarded-Port: 443\r\nForwarded: for=198.51.100.1\r\nX-Real-IP: 198.51.100.1\r\n' +
    'X_Forwarded_For: 198.51.100.1\r\n';

  test('a stranger claims much -> replaced by what we see', async () => {
    const { request } = await exchange(claims);
    expect(JSON.stringify(request.headers)).not.toMatch(/198\.51|https|claimed|443/);
    expect(valuesOf(request, 'x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['http']);
  });

  test('a trusted proxy says so -> believed and appended to', async () => {
    const { request } = await exchange(claims, { to: behindProxy });
    expect(valuesOf(request, 'x-forwarded-for')).toEqual(['198.51.100.1, 198.51.100.2, 127.0.0.1']);
    expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['https']);
    expect(valuesOf(request, 'x-forwarded-host')).toEqual(['claimed.example']);
    expect(valuesOf(request, 'forwarded')).toEqual(['for=198.51.100.1']);
  });

  test('a trusted proxy says nothing -> what we see', async () => {
    const { request } = await exchange('', { to: behindProxy });
    expect(valuesOf(request, 'x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['http']);
    expect(valuesOf(request, 'x-forwarded-host')).toEqual(['matrix.example.org']);
  });
});

describe('answers', () => {
  test('status, reason, repeated and odd headers -> as they came', async () => {
    const { answer } = await exchange('', {
      answer:
        'HTTP/1.1 418 Short and stout\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Latin: \xe9\r\nDate: Sat, 28 Nov 2026 00:00:00 GMT\r\n' +
        'Access-Control-Allow-Origin: https://app.example\r\nContent-Length: 2\r\n\r\nok',
    });
    expect(answer.start).toBe('HTTP/1.1 418 Short and stout');
    expect(answer.headers.slice(0, 6)).toEqual([
      ['Set-Cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['X-Latin', '\xe9'],
      ['Date', 'Sat, 28 Nov 2026 00:00:00 GMT'],
      ['Access-Control-Allow-Origin', 'https://app.example'],
      ['Content-Length', '2'],
    ]);
    expect(answer.body).toBe('ok');
  });

  test('hop-by-hop headers, named or not -> stop here', async () => {
    const { answer } = await exchange('', {
      answer: okAnswer(
        '{}',
        'Connection: close, X-Inner\r\nX-Inner: 10.0.0.1\r\nKeep-Alive: timeout=1\r\nProxy-Authenticate: x\r\nTrailer: X\r\nUpgrade: h2c\r\nX-Stays: 1\r\n',
      ),
    });
    const names = answer.headers.map(([name]) => name.toLowerCase());
    for (const gone of ['x-inner', 'proxy-authenticate', 'trailer', 'upgrade'])
      expect(names).not.toContain(gone);
    expect(names).toContain('x-stays');
    expect(valuesOf(answer, 'connection')).toEqual(['keep-alive']);
    expect(valuesOf(answer, 'keep-alive')).not.toContain('timeout=1');
  });

  test('chunked with trailers -> chunked, without them', async () => {
    const { answer } = await exchange('', {
      answer:
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
    });
    expect(answer.body).toBe('3\r\nabc\r\n0\r\n\r\n');
    expect(valuesOf(answer, 'trailer')).toEqual([]);
  });

  test('103 and 102 first -> the real answer alone', async () => {
    const { answer } = await exchange('', {
      answer: `HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${okAnswer('{"a":1}')}`,
    });
    expect([statusOf(answer), answer.body, valuesOf(answer, 'link')]).toEqual([200, '{"a":1}', []]);
  });

  test('HEAD -> the headers with their length, no body, and the next request is not confused', async () => {
    const client = await gateway.connect();
    client.write(`HEAD ${PATH} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const first = await upstream.arrival();
    first.connection.write('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n');
    const head = await client.message({ isHead: true });
    expect([statusOf(head), valuesOf(head, 'content-length')]).toEqual([200, ['1234']]);
    client.write(`GET ${PATH} HTTP/1.1\r\nHost: a\r\n\r\n`);
    (await upstream.arrival()).connection.write(okAnswer('{}'));
    expect((await client.message()).body).toBe('{}');
  });

  test.each([204, 304])('%s -> no body', async (status) => {
    const { answer } = await exchange('', { answer: `HTTP/1.1 ${status} X\r\nETag: "1"\r\n\r\n` });
    expect([statusOf(answer), answer.body, valuesOf(answer, 'etag')]).toEqual([status, '', ['"1"']]);
    expect(valuesOf(answer, 'transfer-encoding')).toEqual([]);
  });

  test('an HTTP/1.0 client, a chunked answer -> unchunked, ended by the connection', async () => {
    const client = await gateway.connect();
    client.write(`GET ${PATH} HTTP/1.0\r\n\r\n`);
    const { request, connection } = await upstream.arrival();
    expect(request.start).toBe(`GET ${PATH} HTTP/1.1`);
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
    const answer = await client.message();
    expect([answer.body, valuesOf(answer, 'transfer-encoding')]).toEqual(['abc', []]);
    expect(await client.closed).toBe('closed');
  });

  test('an answer without length or chunks, ended by the connection -> chunked, whole', async () => {
    const client = await gateway.connect();
    client.write(`GET ${PATH} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const { connection } = await upstream.arrival();
    connection.write('HTTP/1.1 200 OK\r\n\r\nabc').socket.end();
    expect((await client.message()).body).toBe('3\r\nabc\r\n0\r\n\r\n');
  });
});
