import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ClientResponse, HELD_BYTES } from '../../src/http/client-response.ts';
import { ClientLeft, closeSignal, cut, sendPieces } from '../../src/http/send.ts';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** A server that gives its one response to the test. */
async function serve(): Promise<{ port: number; response: Promise<ServerResponse> }> {
  const server = createServer({ ServerResponse: ClientResponse });
  const response = once(server, 'request').then(([, given]) => given as ServerResponse);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, response };
}

async function ask(port: number): Promise<IncomingMessage> {
  const [answer] = (await once(get({ port, host: '127.0.0.1' }), 'response')) as [IncomingMessage];
  return answer;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('sendPieces', () => {
  test('pieces that share their memory -> each arrives as it was when it was given', async () => {
    const { port, response } = await serve();
    async function* pieces() {
      const memory = Buffer.alloc(64 * 1024);
      for (const letter of 'abcdefgh') yield memory.fill(letter);
      yield Buffer.alloc(0);
    }
    const sent = response.then((it) => sendPieces(it, pieces()));
    const text = await textOf(await ask(port));
    await sent;
    expect(text).toBe([...'abcdefgh'].map((letter) => letter.repeat(64 * 1024)).join(''));
  });

  test('the client leaves in the midst of an answer without end -> ClientLeft, and the pieces are told', async () => {
    const { port, response } = await serve();
    let isTold = false;
    async function* pieces() {
      try {
        for (;;) yield Buffer.alloc(64 * 1024);
      } finally {
        isTold = true;
      }
    }
    const failed = expect(response.then((it) => sendPieces(it, pieces()))).rejects.toThrow(ClientLeft);
    const answer = await ask(port);
    await once(answer, 'readable');
    answer.destroy();
    await failed;
    expect(isTold).toBe(true);
  });

  test('pieces that fail -> their error, and the answer is still open', async () => {
    const { port, response } = await serve();
    async function* pieces() {
      yield Buffer.from('half');
      throw new Error('broken off');
    }
    const failed = expect(response.then((it) => sendPieces(it, pieces()))).rejects.toThrow('broken off');
    await ask(port);
    await failed;
    expect((await response).writableEnded).toBe(false);
  });
});

describe('cut', () => {
  test('a chunked answer -> the client sees that it is not whole', async () => {
    const { port, response } = await serve();
    const answer = ask(port);
    (await response).write(Buffer.alloc(2 * HELD_BYTES));
    const failed = expect(textOf(await answer)).rejects.toThrow('aborted');
    cut(await response);
    await failed;
  });

  test('an answer whose end is the end of the connection (HTTP/1.0) -> reset, not closed', async () => {
    const { port, response } = await serve();
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.0\r\n\r\n');
    (await response).write('half');
    await once(socket, 'data');
    const failed = once(socket, 'error');
    socket.resume();
    cut(await response);
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('closeSignal', () => {
  test('the client leaves, or has left already -> aborted', async () => {
    const { port, response } = await serve();
    const request = get({ port, host: '127.0.0.1' }).on('error', () => {});
    const signal = closeSignal(await response);
    expect(signal.aborted).toBe(false);
    request.destroy();
    await once(signal, 'abort');
    expect(closeSignal(await response).aborted).toBe(true);
  });
});
