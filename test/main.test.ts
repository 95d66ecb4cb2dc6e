import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

const running: (ChildProcess | Server)[] = [];

afterEach(() => {
  for (const each of running.splice(0)) {
    if ('kill' in each) each.kill('SIGKILL');
    else each.close().closeAllConnections();
  }
});

/** The process as an operator starts it, and all it wrote so far. */
function start(argv: string[], given: { env?: Record<string, string>; nodeFlags?: string[] } = {}) {
  const child = spawn(process.execPath, [...(given.nodeFlags ?? []), 'src/main.ts', ...argv], {
    env: { PATH: process.env['PATH'], ...given.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  /** Resolves as soon as the process has written this. */
  const wrote = async (stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(output[stream]);
      if (match !== null) return match;
      await Promise.race([
        once(child[stream], 'data'),
        ended.then(({ code, stderr }) => {
          throw new Error(`ended with ${code} before it wrote ${pattern}: ${stderr}`);
        }),
      ]);
    }
  };
  const listening = async () => {
    const [, url = '', internalUrl = ''] = await wrote('stdout', /listening on (\S+) \(internal (\S+)\)\n/);
    return { url, internalUrl };
  };
  return { child, output, ended, wrote, listening };
}

/** A homeserver of which only `/versions` works; everything else is left without an answer. */
async function aHomeserver(): Promise<{ url: string; asked: Promise<unknown> }> {
  let ask: (value: unknown) => void;
  const asked = new Promise((resolve) => {
    ask = resolve;
  });
  const server = createServer((request, response) => {
    if (request.url === '/_matrix/client/versions') return void response.end('{"versions":["v1.11"]}');
    return ask(request.url);
  });
  running.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const anyPorts = ['--listen', '127.0.0.1:0', '--internal-listen', '127.0.0.1:0'];
const inFrontOf = ({ url }: { url: string }): string[] => ['--homeserver-url', url, ...anyPorts];

describe('starting', () => {
  test.each(['silent', 'info', 'trace'])(
    'when it listens, at log level %s -> one line on stdout, with the real ports',
    async (level) => {
      const gateway = start([...inFrontOf(await aHomeserver()), '--log-level', level]);
      const { url, internalUrl } = await gateway.listening();
      expect((await fetch(`${url}/_matrix/client/versions`)).status).toBe(200);
      expect((await fetch(`${internalUrl}/health`)).status).toBe(200);
      expect((await fetch(`${internalUrl}/ready`)).status).toBe(200);
      gateway.child.kill('SIGTERM');
      const { code, stdout } = await gateway.ended;
      expect(stdout).toMatch(
        /^hindsync listening on http:\/\/127\.0\.0\.1:\d+ \(internal http:\/\/127\.0\.0\.1:\d+\)\n$/,
      );
      expect(code).toBe(0);
    },
  );

  test('when its host is an IPv6 address -> it stands in brackets', async () => {
    const { url } = await aHomeserver();
    const addresses = ['--listen', '[::1]:0', '--internal-listen', '[::1]:0'];
    const gateway = start(['--homeserver-url', url, ...addresses]);
    expect((await gateway.listening()).url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  });

  test('when a setting is wrong -> it ends with 1 and one line on stderr', async () => {
    const { code, stdout, stderr } = await start([], { env: { HINDSYNC_LISTEN: '8009' } }).ended;
    expect(stderr).toMatch(/^hindsync: homeserver_url is not set: expected .*\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test('when the port is in use -> it ends with 1 and one line that names it', async () => {
    const { url } = await aHomeserver();
    const taken = new URL(url).host;
    const ports = ['--listen', taken, '--internal-listen', '127.0.0.1:0', '--log-level', 'silent'];
    const { code, stdout, stderr } = await start(['--homeserver-url', url, ...ports]).ended;
    expect(stderr).toBe(`hindsync: cannot listen on ${taken}: the port is in use by another process\n`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test.each([
    { flag: '--help', expected: /Usage: hindsync/ },
    { flag: '--version', expected: new RegExp(`^${versionOfPackage()}\n$`) },
  ])('when started with $flag -> it prints that and ends with 0', async ({ flag, expected }) => {
    const { code, stdout, stderr } = await start([flag], { env: { HINDSYNC_JUNK: '1' } }).ended;
    expect(stdout).toMatch(expected);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('when the settings are checked -> 0 for good ones, 1 for others, and nothing listens', async () => {
    const good = await start(['--check-config', '--homeserver-url', 'http://127.0.0.1:1']).ended;
    expect(good).toEqual({ code: 0, stdout: 'The settings are good.\n', stderr: '' });
    expect((await start(['--check-config', '--homeserver-url', 'x']).ended).code).toBe(1);
  });
});

describe('ending', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('when told to by %s -> it ends with 0', async (signal) => {
    const gateway = start(inFrontOf(await aHomeserver()));
    await gateway.listening();
    gateway.child.kill(signal);
    expect((await gateway.ended).code).toBe(0);
  });

  test('when a second signal comes while it drains -> it ends at once, with 1', async () => {
    const homeserver = await aHomeserver();
    const gateway = start([...inFrontOf(homeserver), '--drain-deadline', '10 min']);
    const { hostname, port } = new URL((await gateway.listening()).url);
    const client = connect(Number(port), hostname);
    client.on('error', () => {});
    client.write('GET /_matrix/client/v3/slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await homeserver.asked;
    gateway.child.kill('SIGTERM');
    await gateway.wrote('stderr', /draining/);
    gateway.child.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(1);
    client.destroy();
  });
});

describe('an error that nobody caught', () => {
  // Makes a stray rejection, then a stray exception, of a signal: nothing of ours has one to offer.
  const stray = `
    process.on('SIGUSR2', () => {
      void Promise.reject(new Error('a stray rejection'));
      setImmediate(() => { throw new Error('a stray exception, of ?access_token=CanaryTokenQ7x'); });
    });`;

  test('when it happens -> it is logged without its token, and the process answers as before', async () => {
    const nodeFlags = ['--import', `data:text/javascript,${encodeURIComponent(stray)}`];
    const gateway = start(inFrontOf(await aHomeserver()), { nodeFlags });
    const { url, internalUrl } = await gateway.listening();
    gateway.child.kill('SIGUSR2');
    await gateway.wrote('stderr', /a stray rejection[^]*a stray exception[^]*\n/);
    expect((await fetch(`${internalUrl}/health`)).status).toBe(200);
    expect((await fetch(`${url}/_matrix/client/versions`)).status).toBe(200);
    expect(gateway.output.stderr).not.toContain('CanaryTokenQ7x');
  });
});

describe('a token for media without one', () => {
  test('when it is used, refused, and not to be reached -> it is in no log, no metric, no answer', async () => {
    const token = 'CanaryTokenQ7x';
    const folder = mkdtempSync(join(tmpdir(), 'hindsync-token-'));
    writeFileSync(join(folder, 'token'), `${token}\n`);
    const asked: (string | undefined)[] = [];
    const server = createServer(({ url, headers, socket }, response) => {
      if (url === '/_matrix/client/versions') return void response.end('{"versions":["v1.11"]}');
      // What the gateway asks for itself.
      if (url?.startsWith('/_matrix/federation/')) return void response.end('{}');
      asked.push(headers.authorization);
      if (url?.endsWith('/broken')) return void socket.destroy();
      return void response.writeHead(url?.endsWith('/good') ? 200 : 401).end('{"errcode":"M_UNKNOWN_TOKEN"}');
    });
    running.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const settings = ['--media-token-file', join(folder, 'token'), '--media-token-networks', 'loopback'];
    const homeserver = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    const gateway = start([...inFrontOf(homeserver), ...settings, '--log-level', 'trace']);
    const { url, internalUrl } = await gateway.listening();
    // Until then it does not know that the homeserver has authenticated media.
    await fetch(`${internalUrl}/ready`);

    const said: string[] = [];
    const statuses: number[] = [];
    for (const id of ['good', 'refused', 'broken']) {
      const answer = await fetch(`${url}/_matrix/media/v3/download/a/${id}`);
      statuses.push(answer.status);
      said.push(JSON.stringify([...answer.headers]), await answer.text());
    }
    said.push(await (await fetch(`${internalUrl}/metrics`)).text());
    await gateway.wrote('stderr', /"status":401,"msg":"the homeserver refuses media to the account/);
    gateway.child.kill('SIGTERM');
    const { stdout, stderr } = await gateway.ended;
    rmSync(folder, { recursive: true });

    expect(statuses).toEqual([200, 404, 502]);
    expect(asked).toEqual(Array(3).fill(`Bearer ${token}`));
    expect([...said, stdout, stderr].join('\n')).not.toContain(token);
  });
});

describe('trying it out', () => {
  test('when started with --sandbox -> it stands in front of a homeserver of its own', async () => {
    const gateway = start(['--sandbox', ...anyPorts]);
    const { url } = await gateway.listening();
    const response = await fetch(`${url}/_matrix/client/versions`);
    expect(await response.json()).toHaveProperty('versions');
    gateway.child.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(0);
  });

  test('when the demo plays once -> the whole story, and it ends with 0', async () => {
    const { code, stdout, stderr } = await start(['--demo', '--once']).ended;
    expect(stderr).toBe('');
    expect(stdout).toContain('→ GET /_matrix/client/api/v1/initialSync?limit=3&access_token=');
    expect(stdout).toContain('The kettle is on!');
    expect(stdout).toContain('That was the whole story');
    expect(code).toBe(0);
  });

  test('when the demo has played -> it goes on running, and its curl lines work', async () => {
    const demo = start(['--demo']);
    await demo.wrote('stdout', /Ctrl-C ends it/);
    const waiting = /curl '([^']+)'/.exec(demo.output.stdout)?.[1] ?? '';
    const [, body = '', speaking = ''] = /curl -X PUT -d '([^']+)' '([^']+)'/.exec(demo.output.stdout) ?? [];
    const poll = fetch(waiting).then((response) => response.text());
    expect((await fetch(speaking, { method: 'PUT', body })).status).toBe(200);
    expect(await poll).toContain('Hello from curl');
    const report = /^\s*(http:\/\/127\.0\.0\.1:\d+\/)$/m.exec(demo.output.stdout)?.[1] ?? '';
    expect(await (await fetch(report)).text()).toMatch(/1 account with alice-of-2015/);
    demo.child.kill('SIGINT');
    expect((await demo.ended).code).toBe(0);
  });
});

function versionOfPackage(): string {
  return (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version;
}
