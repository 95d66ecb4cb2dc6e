import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { ClientResponse } from '../../../src/http/client-response.ts';
import {
  MOST_COMPARED_BYTES,
  recordAnswer,
  type Recorded,
} from '../../../src/operate/compare-mode/recorder.ts';

/** Answers one request → what the client got, and what was recorded. */
async function record(
  answer: (response: ClientResponse) => void,
): Promise<{ got: string; recorded: Recorded[] }> {
  const recorded: Recorded[] = [];
  const server = createServer({ ServerResponse: ClientResponse }, (_request, response) => {
    recordAnswer(response, (each) => recorded.push(each));
    answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const got = await response.text();
  server.close();
  await once(server, 'close');
  return { got, recorded };
}

const long = JSON.stringify({ text: 'x'.repeat(MOST_COMPARED_BYTES) });

test.each<{ given: string; answer: (response: ClientResponse) => void; got: string; expected: Recorded[] }>([
  {
    given: 'JSON in pieces, as bytes and as text',
    answer: (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"name":');
      response.write(Buffer.from('"é'));
      response.end('"}');
    },
    got: '{"name":"é"}',
    expected: [{ json: { name: 'é' } }],
  },
  {
    given: 'what the homeserver said, as bytes in a string',
    answer: (response) => {
      response.writeHead(200, 'OK', ['Content-Type', 'application/json', 'Content-Length', '13']);
      response.end(Buffer.from('{"name":"é"}').toString('latin1'), 'latin1');
    },
    got: '{"name":"é"}',
    expected: [{ json: { name: 'é' } }],
  },
  {
    given: 'no JSON',
    answer: (response) => response.end('hello'),
    got: 'hello',
    expected: ['not comparable'],
  },
  { given: 'too much', answer: (response) => response.end(long), got: long, expected: ['too large'] },
  {
    given: 'an error',
    answer: (response) => response.writeHead(404).end('{}'),
    got: '{}',
    expected: [],
  },
])('$given -> $expected, and the client has all of it', async ({ answer, got, expected }) => {
  expect(await record(answer)).toEqual({ got, recorded: expected });
});
