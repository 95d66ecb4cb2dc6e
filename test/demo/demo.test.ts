import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { runDemo } from '../../src/demo/demo.ts';

/** Plays the demo against something that answers everything like this → what it wrote, and how it failed. */
async function playBefore(status: number, body: string): Promise<{ written: string; failure: string }> {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const gatewayUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let written = '';
  const write = (text: string) => (written += text);
  const failure = await runDemo({ gatewayUrl, internalUrl: gatewayUrl, once: true, write }).then(
    () => 'none',
    String,
  );
  server.close();
  return { written, failure };
}

// The story itself is played, with the sandbox, in main.test.ts.
describe('runDemo', () => {
  test.each([
    { status: 500, body: '{"errcode":"M_UNKNOWN"}', expected: /POST \/r0\/register was answered with 500$/ },
    {
      status: 200,
      body: 'junk',
      expected: /POST \/_matrix\/client\/r0\/register got no answer that can be read$/,
    },
    { status: 200, body: '{}', expected: /an answer has not the shape that old clients expect$/ },
    {
      status: 200,
      body: '{"rooms":[]}',
      expected: /expected the initial sync to hold the room that Alice joined$/,
    },
  ])('when every answer is $status $body -> it fails and says where', async ({ status, body, expected }) => {
    const { failure } = await playBefore(status, body);
    expect(failure).toMatch(/^DemoFailure: the demo failed: /);
    expect(failure).toMatch(expected);
  });

  test('when it prints -> requests with the token cut short, answers with their status', async () => {
    const { written } = await playBefore(200, '{"access_token":"secret_of_the_sandbox"}');
    expect(written).toContain('→ POST /_matrix/client/r0/createRoom?access_token=secr…');
    expect(written).toContain('← 200 after');
  });
});
