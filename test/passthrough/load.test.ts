// Large bodies and many polls: what is held must not grow with what passes.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { RawConnection, listen, okAnswer, startPassThrough } from '../support/raw-http.ts';

const MB = 1024 * 1024;
const SIZE = 100 * MB;
const BLOCK = Buffer.alloc(MB, 'x');
const PATH = '/_matrix/media/v3/x';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});

/** A homeserver of which only the connections matter. */
async function startServer(serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    serve(socket.on('error', () => {}));
  });
  const port = await listen(server);
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${port}`;
}

async function startProcess(homeserverUrl: string): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(new URL('../support/pass-through-process.ts', import.meta.url), [homeserverUrl]);
  cleanUp.push(() => child.disconnect());
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { child, port };
}

async function memoryOf(child: ChildProcess): Promise<{ rss: number; peak: number }> {
  child.send('memory');
  const [memory] = (await once(child, 'message')) as [{ rss: number; peak: number }];
  return memory;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  cleanUp.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Writes `size` bytes as fast as they are taken; counts what was handed to the kernel. */
async function pour(socket: Writable, size: number, poured: { bytes: number }): Promise<void> {
  for (let left = size; left > 0 && !socket.destroyed; left -= BLOCK.length) {
    if (!socket.write(BLOCK)) await once(socket, 'drain');
    poured.bytes += BLOCK.length;
  }
}

async function lengthOf(stream: Readable): Promise<number> {
  let length = 0;
  for await (const chunk of stream) length += (chunk as Buffer).length;
  return length;
}

async function countUntil(socket: Socket, bytes: number): Promise<void> {
  let count = 0;
  for await (const chunk of socket) {
    count += (chunk as Buffer).length;
    if (count >= bytes) return;
  }
  throw new Error(`closed after ${count} bytes`);
}

describe('100 MB', () => {
  test('down and up, four at a time -> whole, and the gateway grows by less than 80 MB', async () => {
    const server = createHttpServer(async (asked, response) => {
      const size = Number(asked.headers['x-size']);
      if (asked.method === 'GET') {
        response.setHeader('content-length', size);
        await pour(response, size, { bytes: 0 });
        response.end();
      } else {
        response.end(String(await lengthOf(asked)));
      }
    });
    cleanUp.push(() => server.close());
    const { child, port } = await startProcess(`http://127.0.0.1:${await listen(server)}`);
    const transfer = async (method: 'GET' | 'POST', size: number) => {
      const headers = { 'x-size': size, ...(method === 'POST' && { 'content-length': size }) };
      const client = request({ port, path: PATH, method, headers });
      const answered = once(client, 'response');
      if (method === 'POST') await pour(client, size, { bytes: 0 });
      client.end();
      const [answer] = (await answered) as [IncomingMessage];
      if (method === 'GET') expect(await lengthOf(answer)).toBe(size);
      else expect((await answer.toArray()).join('')).toBe(String(size));
    };
    const fourAtATime = (size: number) =>
      Promise.all((['GET', 'GET', 'POST', 'POST'] as const).map((method) => transfer(method, size)));

    await fourAtATime(SIZE / 10);
    const before = await memoryOf(child);
    await fourAtATime(SIZE);
    const after = await memoryOf(child);
    expect((after.peak - before.rss) / MB).toBeLessThan(80);
  }, 60_000);

  /** What the kernel's buffers on the way may swallow; the rest must not have been read. */
  const KERNEL = 40 * MB;

  test('down to a client that does not read -> the homeserver is not read ahead', async () => {
    const poured = { bytes: 0 };
    const stalled = Promise.withResolvers<Socket>();
    const url = await startServer((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
        void pour(socket, SIZE, poured);
        stalled.resolve(socket);
      });
    });
    const gateway = await startPassThrough(url);
    cleanUp.push(() => gateway.close());
    const socket = await open(gateway.port);
    socket.pause();
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await standstill(await stalled.promise);
    expect(poured.bytes).toBeLessThan(KERNEL);
    // The head comes along.
    await countUntil(socket, SIZE);
    expect(poured.bytes).toBe(SIZE);
  }, 30_000);

  test('up to a homeserver that does not read -> the client is not read ahead', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const url = await startServer((socket) => {
      socket.pause();
      accepted.resolve(socket);
    });
    const gateway = await startPassThrough(url);
    cleanUp.push(() => gateway.close());
    const socket = await open(gateway.port);
    const poured = { bytes: 0 };
    socket.write(`POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`);
    const pouring = pour(socket, SIZE, poured);
    const homeserver = await accepted.promise;
    await standstill(socket);
    expect(poured.bytes).toBeLessThan(KERNEL);
    homeserver.resume();
    await countUntil(homeserver, SIZE);
    await pouring;
  }, 30_000);
});

/** Resolves once the kernel takes no more from the socket: nothing moved in ten looks, 20 ms apart. */
async function standstill(socket: Socket): Promise<void> {
  for (let still = 0, last = -1; still < 10; still += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const waiting = socket.bytesWritten - socket.writableLength;
    if (waiting !== last) still = 0;
    last = waiting;
  }
}

test('2,000 parked polls -> whoami is answered, and each poll still gets its own answer', async () => {
  const POLLS = 2000;
  const parked: { socket: Socket; since: string }[] = [];
  const allParked = Promise.withResolvers<void>();
  const url = await startServer((socket) => {
    socket.on('data', (chunk) => {
      const since = /since=(\d+)/.exec(chunk.toString('latin1'))?.[1];
      if (since === undefined) {
        socket.write(okAnswer('{"user_id":"@a:b"}'));
        return;
      }
      parked.push({ socket, since });
      if (parked.length === POLLS) allParked.resolve();
    });
  });
  // In a process of its own: a poll takes two descriptors on each side.
  const { port } = await startProcess(url);
  const pollers: RawConnection[] = [];
  for (let n = 0; n < POLLS; n += 1) {
    const poller = new RawConnection(await open(port));
    poller.write(`GET /_matrix/client/v3/sync?since=${n} HTTP/1.1\r\nHost: a\r\n\r\n`);
    pollers.push(poller);
  }
  await allParked.promise;

  const client = new RawConnection(await open(port));
  client.write('GET /_matrix/client/v3/account/whoami HTTP/1.1\r\nHost: a\r\n\r\n');
  expect((await client.message()).body).toBe('{"user_id":"@a:b"}');

  for (const { socket, since } of parked) socket.write(okAnswer(since));
  for (const [n, poller] of pollers.entries()) expect((await poller.message()).body).toBe(String(n));
}, 60_000);
