import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { oneAtATime } from '../../src/http/in-order.ts';
import { RawConnection } from '../support/raw-http.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  closers.splice(0).forEach((close) => close());
});

interface Begun {
  request: IncomingMessage;
  response: ServerResponse;
}

/** A server, what it has begun, and a connection to it. */
async function start(): Promise<{ begun: Begun[]; client: RawConnection; next: () => Promise<Begun> }> {
  const begun: Begun[] = [];
  let taken = 0;
  let wake = () => {};
  const server = createServer(
    oneAtATime((request, response) => {
      begun.push({ request, response });
      wake();
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new RawConnection(connect((server.address() as AddressInfo).port, '127.0.0.1'));
  closers.push(() => {
    client.socket.destroy();
    server.close();
  });
  const next = async (): Promise<Begun> => {
    while (begun.length <= taken) await new Promise<void>((resolve) => (wake = resolve));
    taken += 1;
    return begun[taken - 1] as Begun;
  };
  return { begun, client, next };
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

describe('pipelined requests of one connection', () => {
  test('9,000 -> one is begun at a time, all are answered in their order', async () => {
    const { begun, client, next } = await start();
    const count = 9000;
    client.write(Array.from({ length: count }, (_, i) => get(`/${i}`)).join(''));
    for (let i = 0; i < count; i += 1) {
      const { request, response } = await next();
      expect(begun.length).toBe(i + 1);
      response.end(request.url);
      expect((await client.message()).body).toBe(`/${i}`);
    }
  });

  test('with bodies, behind one that waits -> each gets its own', async () => {
    const { client, next } = await start();
    const bodies = ['x'.repeat(200_000), '', 'y'.repeat(50_000)];
    client.write(get('/waits'));
    for (const body of bodies)
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    (await next()).response.end();
    await client.message();
    for (const body of bodies) {
      const { request, response } = await next();
      let read = '';
      for await (const chunk of request) read += String(chunk);
      expect(read === body).toBe(true);
      response.end();
      await client.message();
    }
  });

  /** A connection with so many requests that it is not read, and the one that is being answered. */
  async function startUnread(): Promise<Begun & { client: RawConnection }> {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { client, next } = await start();
    client.write(Array.from({ length: 100 }, (_, i) => get(`/${i}`)).join(''));
    const first = await next();
    first.response.end();
    await client.message();
    return { ...(await next()), client };
  }

  test('so many that nothing is read, and the client resets -> seen within a second', async () => {
    const { client, response } = await startUnread();
    const closed = once(response, 'close');
    client.socket.resetAndDestroy();
    await client.closed;
    vi.advanceTimersByTime(1000);
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('so many that nothing is read, and no answer -> the client is sent no byte, and closed after a minute', async () => {
    const { client, response } = await startUnread();
    vi.advanceTimersByTime(59_999);
    expect(response.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    await once(response, 'close');
    expect(await client.rest()).toBe('');
  });

  test('the client leaves -> those that wait are never begun', async () => {
    const { begun, client, next } = await start();
    client.write(get('/1') + get('/2') + get('/3'));
    const { response } = await next();
    client.socket.destroy();
    await once(response, 'close');
    expect(begun).toHaveLength(1);
  });
});
