import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { cutStalledReaders } from '../../src/http/stalled-readers.ts';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** A server that never stops writing to `/endless`, and never starts to write to `/silent`. */
async function serve(afterMs: number) {
  let cuts = 0;
  const closed = Promise.withResolvers<void>();
  const silent = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    response.once('close', () => closed.resolve());
    if (request.url === '/silent') return silent.resolve();
    const write = (): void => {
      while (response.write(Buffer.alloc(64 * 1024)));
    };
    response.on('drain', write);
    write();
  });
  cutStalledReaders(server, { afterMs, onCut: () => (cuts += 1) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, cuts: () => cuts, closed: closed.promise, asksSilent: silent.promise };
}

describe('a client', () => {
  test('takes no byte of its answer -> its connection is reset, and the answer closed', async () => {
    const { port, cuts, closed } = await serve(300);
    const client = connect({ port, host: '127.0.0.1' });
    closers.push(() => client.destroy());
    client.pause();
    client.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
    await closed;
    expect(cuts()).toBe(1);
    client.resume();
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
  });

  test('waits for an answer that does not begin -> is left waiting', async () => {
    const { port, cuts, asksSilent } = await serve(300);
    const silent = get({ port, host: '127.0.0.1', path: '/silent' });
    silent.on('error', () => {});
    closers.push(() => silent.destroy());
    const stalled = connect({ port, host: '127.0.0.1' });
    stalled.on('error', () => {});
    closers.push(() => stalled.destroy());
    await asksSilent;
    stalled.pause();
    stalled.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
    // The limit has come for the one, so it has for the other, which asked before.
    await expect.poll(cuts).toBe(1);
    expect(silent.destroyed).toBe(false);
  });

  test('reads slowly, for longer than the limit -> is not cut', async () => {
    const limitMs = 400;
    const { port, cuts } = await serve(limitMs);
    const request = get({ port, host: '127.0.0.1', path: '/endless' });
    request.on('error', () => {});
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    closers.push(() => answer.destroy());
    const startedAt = performance.now();
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (chunk.length > 0 && performance.now() - startedAt > 2.5 * limitMs) break;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(cuts()).toBe(0);
  });
});
