import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ClientResponse, HELD_BYTES, HOLD_MS } from '../../src/http/client-response.ts';
import { writeError } from '../../src/http/error-handler.ts';
import { cut } from '../../src/http/send.ts';
import { MatrixError } from '../../src/matrix/errors.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  closers.splice(0).forEach((close) => close());
  vi.useRealTimers();
});

interface Wire {
  head: string[];
  body: string;
  /** 'reset' where the connection did not just end. */
  end: 'closed' | 'reset';
}

/** What a client sees of an answer, to the byte. */
async function wireOf(
  answer: (response: ServerResponse) => unknown,
  { method = 'GET', version = '1.1' } = {},
): Promise<Wire> {
  const server = createServer({ ServerResponse: ClientResponse }, (_request, response) => answer(response));
  server.listen(0, '127.0.0.1');
  closers.push(() => server.close());
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(`${method} / HTTP/${version}\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  let end: Wire['end'] = 'closed';
  socket.on('error', () => (end = 'reset'));
  await once(socket, 'close').catch(() => once(socket, 'close'));
  const text = Buffer.concat(chunks).toString('latin1');
  const at = text.indexOf('\r\n\r\n');
  return { head: text.slice(0, at).split('\r\n'), body: text.slice(at + 4), end };
}

describe('header names and JSON', () => {
  test.each([
    {
      given: 'content-type',
      value: 'application/json; charset=utf-8',
      wire: 'Content-Type: application/json',
    },
    {
      given: 'CONTENT-TYPE',
      value: 'application/json;charset=UTF-8',
      wire: 'Content-Type: application/json',
    },
    {
      given: 'content-type',
      value: 'text/html; charset=utf-8',
      wire: 'Content-Type: text/html; charset=utf-8',
    },
    { given: 'content-type', value: 'application/jsonp', wire: 'Content-Type: application/jsonp' },
    { given: 'access-control-allow-origin', value: '*', wire: 'Access-Control-Allow-Origin: *' },
    { given: 'retry-after', value: '2', wire: 'Retry-After: 2' },
  ])('$given: $value -> $wire, by writeHead and by setHeader', async ({ given, value, wire }) => {
    const byHead = await wireOf((response) => response.writeHead(200, { [given]: value }).end('{}'));
    const bySet = await wireOf((response) => response.setHeader(given, value).end('{}'));
    expect(byHead.head).toContain(wire);
    expect(bySet.head).toContain(wire);
  });

  test('raw pairs, as the homeserver sent them -> unchanged by a byte', async () => {
    const pairs = [
      'content-type',
      'application/json; charset=utf-8',
      'X-ODD-name',
      'v',
      'content-length',
      '2',
    ];
    const { head } = await wireOf((response) => response.writeHead(200, 'Fine', pairs).end('{}'));
    expect(head.slice(0, 4)).toEqual([
      'HTTP/1.1 200 Fine',
      'content-type: application/json; charset=utf-8',
      'X-ODD-name: v',
      'content-length: 2',
    ]);
  });
});

describe('a body in pieces', () => {
  const inPieces = (response: ServerResponse, pieces: readonly string[]): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    for (const piece of pieces) response.write(piece);
    response.end('!');
  };

  test.each([{ version: '1.1' }, { version: '1.0' }])(
    'up to 256 KB -> one with a length (HTTP/$version)',
    async ({ version }) => {
      const pieces = ['a'.repeat(100_000), 'é', 'b'.repeat(100_000)];
      const { head, body } = await wireOf((response) => inPieces(response, pieces), { version });
      expect(head).toContain('Content-Length: 200003');
      expect(head.join()).not.toMatch(/transfer-encoding/i);
      expect(Buffer.from(body, 'latin1').toString()).toBe(`${pieces.join('')}!`);
    },
  );

  test('nothing but its end -> a length too', async () => {
    const { head, body } = await wireOf((response) => response.writeHead(200, {}).end());
    expect(head).toContain('Content-Length: 0');
    expect(body).toBe('');
  });

  test('more -> chunked, whole and in order', async () => {
    const pieces = Array.from({ length: 8 }, (_, i) => String(i).repeat(HELD_BYTES / 4));
    const { head, body } = await wireOf((response) => inPieces(response, pieces));
    expect(head).toContain('Transfer-Encoding: chunked');
    expect(body.replaceAll(/(?:\r\n|^)[\da-f]+\r\n|\r\n$/g, '')).toBe(`${pieces.join('')}!`);
  });

  test('whose memory is used again after each -> each as it was when it was written', async () => {
    const { body } = await wireOf((response) => {
      const memory = Buffer.alloc(4);
      response.write(memory.fill('a'), () => response.write(memory.fill('b'), () => response.end()));
    });
    expect(body).toBe('aaaabbbb');
  });

  test('whose end does not come -> the first bytes go out when they have waited long enough', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { head, body } = await wireOf((response) => {
      response.write('first');
      vi.advanceTimersByTime(HOLD_MS - 1);
      expect(response.headersSent).toBe(false);
      vi.advanceTimersByTime(1);
      expect(response.headersSent).toBe(true);
      response.end('last');
    });
    expect(head).toContain('Transfer-Encoding: chunked');
    expect(body).toBe('9\r\nfirstlast\r\n0\r\n\r\n');
  });

  test('that fails while it is held -> an error of its own, and nothing of the body', async () => {
    const { head, body } = await wireOf((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"chunk":[');
      writeError(response, new MatrixError(502, 'M_UNKNOWN', 'No'));
    });
    expect(head[0]).toBe('HTTP/1.1 502 Bad Gateway');
    expect(JSON.parse(body)).toEqual({ errcode: 'M_UNKNOWN', error: 'No' });
  });

  test('to a HEAD -> no body, and no length that is not known', async () => {
    const { head, body } = await wireOf((response) => response.writeHead(200, {}).end(), { method: 'HEAD' });
    expect(head.join()).not.toMatch(/content-length/i);
    expect(body).toBe('');
  });
});

describe('an answer that is cut', () => {
  const cutHalfway = (response: ServerResponse): void => {
    response.write(Buffer.alloc(2 * HELD_BYTES, 'x'), () => cut(response));
  };

  test('HTTP/1.0, where only the end of the connection marks its end -> reset', async () => {
    expect((await wireOf(cutHalfway, { version: '1.0' })).end).toBe('reset');
  });

  test('chunked -> no last chunk', async () => {
    expect((await wireOf(cutHalfway)).body).not.toContain('0\r\n\r\n');
  });

  test('while it is held -> nothing at all', async () => {
    const { head } = await wireOf((response) => response.write('half', () => cut(response)));
    expect(head.join('')).toBe('');
  });
});
