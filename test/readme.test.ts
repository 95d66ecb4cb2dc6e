// What the README tells to type is typed here. `npm ci` and `npm test` are what runs this very test.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { createSandbox } from '../src/sandbox/sandbox.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const commands = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
);

const DEMO = 'npm run demo -- --once';
const START = 'HINDSYNC_HOMESERVER_URL=http://127.0.0.1:8008 npm start';

describe('README.md', () => {
  // As `npm ci` does.
  beforeAll(() => promisify(execFile)('npm', ['run', 'build'], { cwd: root }));

  test('its commands -> all of them are tried', () => {
    expect(commands.toSorted()).toEqual([DEMO, START, 'npm ci', 'npm test'].toSorted());
  });

  test(`${DEMO} -> the story, and an end`, async () => {
    const { stdout } = await promisify(execFile)('sh', ['-c', DEMO], { cwd: root });
    expect(stdout).toContain('That was the whole story');
  });

  test(`${START} -> listens where the README says, and serves the homeserver`, async () => {
    const sandbox = await createSandbox();
    const command = START.replace('http://127.0.0.1:8008', sandbox.url);
    const anyPorts = { HINDSYNC_LISTEN: '127.0.0.1:0', HINDSYNC_INTERNAL_LISTEN: '127.0.0.1:0' };
    // A group of its own, as npm keeps a signal from its child.
    const gateway = spawn('sh', ['-c', command], {
      cwd: root,
      env: { ...process.env, ...anyPorts },
      detached: true,
    });
    try {
      let url: string | undefined;
      for await (const line of createInterface({ input: gateway.stdout })) {
        url =
          /^hindsync listening on (http:\/\/127\.0\.0\.1:\d+) \(internal http:\/\/127\.0\.0\.1:\d+\)$/.exec(
            line,
          )?.[1];
        if (url !== undefined) break;
      }
      const answer = await fetch(`${url}/_matrix/client/versions`);
      expect(await answer.json()).toMatchObject({ versions: expect.arrayContaining(['v1.1']) });
    } finally {
      process.kill(-(gateway.pid ?? 0), 'SIGTERM');
      await once(gateway, 'exit');
      await sandbox.close();
    }
  });
});
