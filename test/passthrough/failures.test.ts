// Clients that leave, homeservers that fail: what the other side then sees.

import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { Pool, buildConnector } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectTo } from '../../src/homeserver/connections.ts';
import {
  RawConnection,
  listen,
  okAnswer,
  startPassThrough,
  startRawUpstream,
  statusOf,
  valuesOf,
} from '../support/raw-http.ts';
import type { PassThroughServer, RawMessage, RawUpstream } from '../support/raw-http.ts';

const PATH = '/_matrix/client/v3/x';
const GET = `GET ${PATH} HTTP/1.1\r\nHost: example.org\r\n\r\n`;
const POLL = 'GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: example.org\r\n\r\n';

let upstream: RawUpstream;
let gateway: PassThroughServer;
beforeEach(async () => {
  upstream = await startRawUpstream();
  gateway = await startPassThrough(upstream.url);
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

async function send(text: string, to = gateway): Promise<RawConnection> {
  return (await to.connect()).write(text);
}

function expectMatrixError(answer: RawMessage, status: number): void {
  expect(statusOf(answer)).toBe(status);
  expect(JSON.parse(answer.body)).toEqual({ errcode: 'M_UNKNOWN', error: expect.any(String) });
  expect(answer.body).not.toMatch(/127\.0\.0\.1|localhost|ECONN|UND_ERR|\d{4,}/);
  expect(valuesOf(answer, 'content-type')).toEqual(['application/json']);
  expect(valuesOf(answer, 'access-control-allow-origin')).toEqual(['*']);
}

describe('the client leaves', () => {
  test.each([
    { name: 'a poll', request: POLL },
    { name: 'another request', request: GET },
  ])('$name, before the answer begins -> the homeserver’s request ends', async ({ request }) => {
    const client = await send(request);
    const { connection } = await upstream.arrival();
    client.socket.destroy();
    await connection.closed;
  });

  test('in the midst of the answer -> the homeserver’s request ends', async () => {
    const client = await send(GET);
    const { connection } = await upstream.arrival();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc');
    await client.take((text) => (text.endsWith('abc') ? text.length : -1));
    client.socket.destroy();
    await connection.closed;
  });

  test('in the midst of its upload -> the homeserver’s request ends, never whole', async () => {
    const arrived = Promise.withResolvers<RawConnection>();
    const server = createServer((socket) => {
      const connection = new RawConnection(socket);
      socket.once('data', () => arrived.resolve(connection));
    });
    const other = await startPassThrough(`http://127.0.0.1:${await listen(server)}`);
    const client = await send(
      `POST ${PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
      other,
    );
    const connection = await arrived.promise;
    client.socket.destroy();
    expect(await connection.rest()).not.toContain('0\r\n\r\n');
    await other.close();
    server.close();
  });

  test('by closing its half of the connection -> counts as leaving, as with nginx', async () => {
    const client = await send(POLL);
    const { connection } = await upstream.arrival();
    client.socket.end();
    await connection.closed;
    expect(await client.rest()).toBe('');
  });

  test('before the homeserver could be connected to -> it is never asked', async () => {
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const { longPolls, rest } = connectTo(upstream.url);
    // A connection that takes its time.
    const slow = new Pool(upstream.url, {
      connect: (options, callback) => {
        reached.resolve();
        void goOn.promise.then(() => buildConnector({})(options, callback));
      },
    });
    const other = await startPassThrough(upstream.url, {
      connections: {
        origin: upstream.url,
        longPolls,
        rest: slow,
        own: { longPolls, rest: slow },
        hostFor: (host) => host,
        close: async () => {},
        destroy: async () => {},
      },
    });
    const client = await send(GET, other);
    await reached.promise;
    client.socket.destroy();
    await client.closed;
    const next = await send(GET.replace('/x', '/next'), other);
    goOn.resolve();
    const { request, connection } = await upstream.arrival();
    expect(request.start).toBe('GET /_matrix/client/v3/next HTTP/1.1');
    connection.write(okAnswer('{}'));
    expect(statusOf(await next.message())).toBe(200);
    expect(upstream.count()).toBe(1);
    await other.close();
    await Promise.all([slow.destroy(), longPolls.destroy(), rest.destroy()]);
  });

  test('after the answer -> the connection to the homeserver is used again', async () => {
    for (let n = 0; n < 3; n += 1) {
      const client = await send(GET);
      (await upstream.arrival()).connection.write(okAnswer('{}'));
      await client.message();
      client.socket.destroy();
      await client.closed;
    }
    expect([upstream.count(), upstream.connections()]).toEqual([3, 1]);
  });
});

describe('the homeserver fails', () => {
  test.each([
    { name: 'with a length', head: 'Content-Length: 100\r\n\r\nabc' },
    { name: 'chunked', head: 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n' },
  ])('it breaks off in the midst of an answer $name -> cut, not ended', async ({ head }) => {
    const client = await send(GET);
    const { connection } = await upstream.arrival();
    connection.write(`HTTP/1.1 200 OK\r\n${head}`);
    await client.take((text) => (text.includes('abc') ? text.indexOf('abc') : -1));
    connection.socket.destroy();
    expect(await client.rest()).not.toContain('0\r\n\r\n');
  });

  test('it breaks off, the client speaks HTTP/1.0 -> reset, as closing would mean whole', async () => {
    const client = await send(`GET ${PATH} HTTP/1.0\r\n\r\n`);
    const { connection } = await upstream.arrival();
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await client.take((text) => (text.endsWith('abc') ? text.length : -1));
    connection.socket.destroy();
    expect(await client.closed).toBe('reset');
  });

  test.each(['GET', 'POST', 'PUT', 'DELETE'])('503 to a %s -> passed on, asked once', async (method) => {
    const client = await send(`${method} ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    (await upstream.arrival()).connection.write(
      'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy',
    );
    const answer = await client.message();
    expect([statusOf(answer), answer.body, valuesOf(answer, 'retry-after')]).toEqual([503, 'busy', ['0']]);
    expect(upstream.count()).toBe(1);
  });

  test.each(['GET', 'POST'])('it closes without an answer to a %s -> 502, asked once', async (method) => {
    const client = await send(`${method} ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    (await upstream.arrival()).connection.socket.destroy();
    expectMatrixError(await client.message(), 502);
    expect(upstream.count()).toBe(1);
  });

  test('it has closed an idle connection -> the next request gets a new one and succeeds', async () => {
    const client = await send(GET);
    const { connection } = await upstream.arrival();
    connection.write(okAnswer('{}'));
    await client.message();
    connection.socket.end();
    await connection.closed;
    client.write(`POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nnull`);
    (await upstream.arrival()).connection.write(okAnswer('{"a":1}'));
    expect((await client.message()).body).toBe('{"a":1}');
    expect([upstream.count(), upstream.connections()]).toEqual([2, 2]);
  });

  test.each([
    { name: 'no HTTP', bytes: 'SSH-2.0-OpenSSH_9.2\r\n\r\n' },
    {
      name: 'a length and chunks',
      bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    },
    { name: 'two lengths', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab' },
    { name: 'headers of 70 KB', bytes: `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n` },
    {
      name: 'an upgrade nobody asked for',
      bytes: 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n',
    },
  ])('it answers $name -> 502', async ({ bytes }) => {
    const client = await send(GET);
    (await upstream.arrival()).connection.write(bytes);
    expectMatrixError(await client.message(), 502);
  });

  test('nobody listens -> 502, CORS, no address; told to the observer', async () => {
    const server = createServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');
    const other = await startPassThrough(`http://127.0.0.1:${port}`);
    const client = await send(GET, other);
    expectMatrixError(await client.message(), 502);
    expect(other.answered.map(({ status }) => status)).toEqual([502]);
    await other.close();
  });

  test('its name does not resolve -> 502', async () => {
    const other = await startPassThrough('http://homeserver.invalid:8008');
    expectMatrixError(await (await send(GET, other)).message(), 502);
    await other.close();
  });

  test('no head within the deadline -> 504, and the homeserver’s request ends; a poll has none', async () => {
    const other = await startPassThrough(upstream.url, { deadlineMs: 50 });
    const poller = await send(POLL, other);
    const poll = await upstream.arrival();
    const client = await send(GET, other);
    const { connection } = await upstream.arrival();
    expectMatrixError(await client.message(), 504);
    await connection.closed;
    poll.connection.write(okAnswer('{"next_batch":"s1"}'));
    expect((await poller.message()).body).toBe('{"next_batch":"s1"}');
    await other.close();
  });

  test('it says 102 again and again -> 504 at the deadline all the same', async () => {
    const other = await startPassThrough(upstream.url, { deadlineMs: 200 });
    const client = await send(GET, other);
    const { connection } = await upstream.arrival();
    const flood = setInterval(() => connection.write('HTTP/1.1 102 Processing\r\n\r\n'), 20);
    expectMatrixError(await client.message(), 504);
    clearInterval(flood);
    await connection.closed;
    await other.close();
  });

  test.each([600, 999])('its status is %i -> 502', async (status) => {
    const client = await send(GET);
    (await upstream.arrival()).connection.write(`HTTP/1.1 ${status} Odd\r\nContent-Length: 2\r\n\r\n{}`);
    expectMatrixError(await client.message(), 502);
  });

  test('it sends nothing more in the midst of an answer -> cut; one whose reader pauses is not', async () => {
    const failures: boolean[] = [];
    const other = await startPassThrough(upstream.url, {
      answerIdleMs: 500,
      onFailure: (_error, isCut) => failures.push(isCut),
    });
    const slow = (await send(GET, other)).socket.pause();
    const slowArrival = await upstream.arrival();
    const body = 'x'.repeat(32 * 1024 * 1024);
    slowArrival.connection.write(okAnswer(body));
    const client = await send(GET, other);
    const { connection } = await upstream.arrival();
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    expect(await client.rest()).toMatch(/3\r\nabc\r\n$/);
    expect(failures).toEqual([true]);
    let received = 0;
    slow.on('data', (text: string) => (received += text.length)).resume();
    while (received < body.length) await once(slow, 'data');
    await other.close();
  });

  test('it refuses an upload before all has come (413) -> the answer arrives, the connection goes on', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlong');
      });
    });
    const other = await startPassThrough(`http://127.0.0.1:${await listen(server)}`);
    const client = await send(
      `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc`,
      other,
    );
    expect(statusOf(await client.message())).toBe(413);
    client.write('x'.repeat(1_000_000 - 3));
    client.write('GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(statusOf(await client.message())).toBe(404);
    await other.close();
    server.close();
  });

  test('answers are told to the observer with what was sent up', async () => {
    const client = await send(
      'POST /_matrix/client/r0/logout?access_token=t HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
    );
    (await upstream.arrival()).connection.write(okAnswer('{}'));
    await client.message();
    expect(gateway.answered).toMatchObject([
      { method: 'POST', rawUrl: '/_matrix/client/r0/logout', status: 200 },
    ]);
    expect(gateway.answered[0]?.headers.join('\n')).toContain('Authorization\nBearer t');
  });
});

describe('other ways to the homeserver', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hindsync-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** A TLS server with a certificate of its own; counts nothing but what it could decrypt. */
  async function startTls(
    answer: string,
  ): Promise<{ port: number; received: () => string; close: () => void }> {
    await promisify(execFile)(
      'openssl',
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost'
        .concat(' -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem')
        .split(' '),
      { cwd: folder },
    );
    let received = '';
    const [key, cert] = await Promise.all(
      ['key.pem', 'cert.pem'].map((file) => readFile(join(folder, file))),
    );
    const server = createTlsServer({ key, cert }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        received += chunk.toString();
        socket.write(answer);
      });
    });
    return { port: await listen(server), received: () => received, close: () => server.close() };
  }

  test.each(['localhost', '127.0.0.1'])(
    'TLS to %s, a certificate that nobody signed -> 502, and the token never leaves (CVE-2026-107318 of reply-from)',
    async (host) => {
      const server = await startTls(okAnswer('{}'));
      const other = await startPassThrough(`https://${host}:${server.port}`);
      const client = await send(
        `GET ${PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret\r\n\r\n`,
        other,
      );
      expectMatrixError(await client.message(), 502);
      expect(server.received()).toBe('');
      await other.close();
      server.close();
    },
  );

  test.each(['localhost', '127.0.0.1'])(
    'TLS to %s, a certificate that is trusted -> verified for that name, whatever Host the client sends',
    async (host) => {
      const server = await startTls(okAnswer('{}'));
      const child = fork(
        new URL('../support/pass-through-process.ts', import.meta.url),
        [`https://${host}:${server.port}`],
        {
          env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') },
        },
      );
      const [{ port }] = (await once(child, 'message')) as [{ port: number }];
      for (const name of ['localhost', 'evil.example', '[', '10.0.0.1:1']) {
        const client = new RawConnection(connect(port, '127.0.0.1'));
        client.write(`GET ${PATH} HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
        expect(statusOf(await client.message())).toBe(200);
        expect(server.received()).toContain(`host: ${name}\r\n`);
        client.socket.destroy();
      }
      child.disconnect();
      await once(child, 'exit');
      server.close();
    },
  );

  test('a Unix socket -> the same', async () => {
    const path = join(folder, 'homeserver.sock');
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(okAnswer('{"a":1}')));
    });
    server.listen(path);
    await once(server, 'listening');
    const other = await startPassThrough(`unix:${path}`);
    expect((await (await send(GET, other)).message()).body).toBe('{"a":1}');
    await other.close();
    server.close();
  });
});
