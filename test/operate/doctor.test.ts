// What `hindsync doctor` says of settings, homeservers and accounts. Reverse proxies: test/operator/proxies.test.ts.

import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { runDoctor } from '../../src/doctor.ts';
import type { Finding } from '../../src/operate/doctor/finding.ts';
import { createTestSandbox } from '../support/sandbox/test-sandbox.ts';
import { startGateway } from '../support/gateway.ts';

const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    return server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Examined {
  isWell: boolean;
  findings: Finding[];
  text: string;
}

async function examine(
  argv: string[],
  { token, deadlineMs = 5000 }: { token?: string; deadlineMs?: number } = {},
): Promise<Examined> {
  const readFile = (path: string): string => {
    if (path === '/token' && token !== undefined) return `${token}\n`;
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  const options = {
    sources: { argv: ['doctor', ...argv], env: {}, readFile },
    publicUrl: undefined,
    accessTokenFile: token === undefined ? undefined : '/token',
    deadlineMs,
  };
  let json = '';
  let text = '';
  const isWell = await runDoctor({ ...options, json: true, write: (part) => (json += part) });
  if (token === undefined) await runDoctor({ ...options, json: false, write: (part) => (text += part) });
  const { findings } = JSON.parse(json) as { findings: Finding[] };
  return { isWell, findings, text };
}

const about = (findings: readonly Finding[], wanted: string) => findings.find(({ what }) => what === wanted);

describe('settings', () => {
  test('one that is not understood -> is named, and nothing else is tried', async () => {
    const { isWell, findings } = await examine(['--homeserver-url', 'http://127.0.0.1:9', '--listen', 'x']);
    expect(isWell).toBe(false);
    expect(findings).toEqual([
      expect.objectContaining({
        verdict: 'wrong',
        what: 'settings',
        says: expect.stringContaining('listen is "x"'),
      }),
    ]);
  });
});

describe('the homeserver', () => {
  test('one that is well -> all is well, each line with what it is for', async () => {
    const sandbox = await createTestSandbox();
    closers.push(() => sandbox.close());
    const { isWell, findings, text } = await examine(['--homeserver-url', sandbox.url]);
    expect(isWell).toBe(true);
    expect(about(findings, 'kind')).toMatchObject({
      verdict: 'good',
      says: expect.stringMatching(/treated as sandbox/),
    });
    expect(about(findings, 'media')?.says).toMatch(/old media/);
    expect(text).toMatch(/^ {3}ok {2}settings/);
    expect(text).toMatch(/All is well\.\n$/);
  });

  const html = { 'content-type': 'text/html' };
  test.each<{ given: string; listener: RequestListener; says: RegExp }>([
    {
      given: 'a redirect',
      listener: (_, response) => response.writeHead(302, { location: 'https://matrix.example.org/' }).end(),
      says: /redirects \/_matrix\/client\/versions to https:\/\/matrix\.example\.org\//,
    },
    {
      given: 'a login page',
      listener: (_, response) =>
        response.writeHead(200, html).end('<html><form><input name=p type="password"></form></html>'),
      says: /a login page \(status 200\)/,
    },
    {
      given: 'a web page',
      listener: (_, response) => response.writeHead(404, html).end('<html>not found</html>'),
      says: /a web page \(status 404\)/,
    },
    {
      given: 'no JSON',
      listener: (_, response) => response.end('hello'),
      says: /its answer is no JSON/,
    },
    {
      given: 'another JSON',
      listener: (_, response) => response.end('{"ok":true}'),
      says: /names no versions, so it is no homeserver/,
    },
    {
      given: 'an error',
      listener: (_, response) => response.writeHead(404).end('{"errcode":"M_UNRECOGNIZED"}'),
      says: /status 404/,
    },
    {
      given: 'a connection that is closed',
      listener: (request) => request.socket.destroy(),
      says: /the connection was closed/,
    },
  ])('$given -> says so', async ({ listener, says }) => {
    const { isWell, findings, text } = await examine(['--homeserver-url', await serve(listener)]);
    expect(isWell).toBe(false);
    expect(about(findings, 'homeserver')).toEqual({
      verdict: 'wrong',
      what: 'homeserver',
      says: expect.stringMatching(says),
      advice: expect.any(String),
    });
    expect(text).toMatch(/Wrong: 1\.\n$/);
  });

  test('a black hole -> says so within the deadline', async () => {
    const url = await serve(() => {});
    const { findings } = await examine(['--homeserver-url', url], { deadlineMs: 200 });
    expect(about(findings, 'homeserver')).toMatchObject({ verdict: 'wrong', says: 'no answer within 0.2 s' });
  });

  test('an answer that never ends -> says so within the deadline', async () => {
    const url = await serve((_, response) => void response.writeHead(200).write('{'));
    const { findings } = await examine(['--homeserver-url', url], { deadlineMs: 200 });
    expect(about(findings, 'homeserver')).toMatchObject({ verdict: 'wrong', says: 'no answer within 0.2 s' });
  });

  test('nobody -> says so', async () => {
    const { findings } = await examine(['--homeserver-url', 'http://127.0.0.1:9']);
    expect(about(findings, 'homeserver')).toMatchObject({ says: 'nobody listens at this address' });
  });

  test('https where there is none -> says so', async () => {
    const url = (await serve((_, response) => response.end('{}'))).replace('http:', 'https:');
    const { findings } = await examine(['--homeserver-url', url]);
    expect(about(findings, 'homeserver')?.says).toMatch(/does not speak TLS/);
  });
});

describe('with an access token', () => {
  async function register(url: string): Promise<{ token: string; room: string }> {
    const post = async (path: string, body: object, token = ''): Promise<Record<string, string>> => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const answer = await fetch(`${url}/_matrix/client/v3/${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return (await answer.json()) as Record<string, string>;
    };
    const account = { username: 'alice', password: 'x', auth: { type: 'm.login.dummy' } };
    const { access_token: token = '' } = await post('register', account);
    const { room_id: room = '' } = await post('createRoom', { preset: 'public_chat' }, token);
    return { token, room };
  }

  test('that is good -> each legacy endpoint is tried', async () => {
    const sandbox = await createTestSandbox();
    closers.push(() => sandbox.close());
    const { token } = await register(sandbox.url);
    const { isWell, findings } = await examine(['--homeserver-url', sandbox.url], { token });
    expect(isWell).toBe(true);
    for (const what of [
      '/initialSync',
      '/events',
      'v2_alpha/sync',
      '/rooms/{roomId}/initialSync',
      '/events?room_id=',
      '/rooms/{roomId}/messages',
      '/events/{eventId}',
    ])
      expect(about(findings, what), what).toMatchObject({ verdict: 'good' });
  });

  test('that is none -> says so, and tries nothing with it', async () => {
    const sandbox = await createTestSandbox();
    closers.push(() => sandbox.close());
    const { isWell, findings } = await examine(['--homeserver-url', sandbox.url], { token: 'nobody' });
    expect(isWell).toBe(false);
    expect(findings.at(-1)).toMatchObject({
      verdict: 'wrong',
      what: 'access token',
      says: expect.stringMatching(/status 401/),
      advice: expect.stringMatching(/the file must hold one access token/),
    });
    expect(JSON.stringify(findings)).not.toMatch(/nobody/);
  });
});

describe("a visit's probes", () => {
  test('without a visit -> the header is nobody’s, and passes', async () => {
    const sandbox = await createTestSandbox();
    closers.push(() => sandbox.close());
    const gateway = await startGateway(sandbox.url);
    closers.push(() => gateway.close());
    const ask = async (nonce: string): Promise<Response> =>
      fetch(`${gateway.url}/_matrix/client/versions`, {
        headers: { 'x-hindsync-doctor': `${nonce};1;wait=0` },
      });
    expect(await (await ask('0'.repeat(32))).json()).toHaveProperty('versions');
    const opened = await fetch(`${gateway.internalUrl}/doctor`, { method: 'POST' });
    const { nonce } = (await opened.json()) as { nonce: string };
    expect(await (await ask('0'.repeat(32))).json()).toHaveProperty('versions');
    expect(await (await ask(nonce)).json()).toMatchObject({ rawUrl: '/_matrix/client/versions' });
    await fetch(`${gateway.internalUrl}/doctor/${nonce}`, { method: 'DELETE' });
    expect(await (await ask(nonce)).json()).toHaveProperty('versions');
    expect((await fetch(`${gateway.url}/doctor`, { method: 'POST' })).status).toBe(404);
  });
});
