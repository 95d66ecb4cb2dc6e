// What docs/contributing.md says of adding things is tried, in a copy: something new is added where the page says, and nowhere
// else, and everything that must know of it does.

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerRoutes } from '../src/endpoints/register-routes.ts';
import { open } from '../src/endpoints/route-rows.ts';
import type { Services } from '../src/endpoints/services.ts';
import { toMarkdown } from './support/docs/routes-table.ts';

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'hindsync-copy-'));
  for (const name of ['src', 'test/support/docs', 'package.json', 'tsconfig.json'])
    cpSync(name, join(copy, name), { recursive: true });
  symlinkSync(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true }));

function edit(path: string, from: string, to: string): void {
  const text = readFileSync(join(copy, path), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(copy, path), text.replace(from, to));
}

/** Runs a module's text in the copy, and returns what it prints. */
async function run(script: string): Promise<string> {
  const args = ['--input-type=module-typescript', '--eval', script];
  return (await promisify(execFile)(process.execPath, args, { cwd: copy })).stdout.trim();
}

describe('an endpoint: a file, and a row of the table', () => {
  test('the row -> is put up, answered, counted, and stands in the docs', async () => {
    const row = open(
      ['v3'],
      'GET dummy/*',
      () =>
        ({ params: [id] }) => ({ id }),
      {
        label: 'dummy',
        about: 'a dummy',
      },
    );
    const app = Fastify();
    const labels: string[] = [];
    await registerRoutes(app, [row], {} as Services, (label) => labels.push(label));
    const answer = await app.inject('/_matrix/client/v3/dummy/7');
    expect([answer.statusCode, answer.json(), labels]).toEqual([200, { id: '7' }, ['dummy']]);
    expect(toMarkdown([row])).toContain('| GET `dummy/*` | v3 | dummy | a dummy |');
  });
});

describe('a setting: a row of the table', () => {
  test('the row -> is a flag, a variable, a key of the file and of Config, and is described', async () => {
    const row = `dummyMs: { name: 'dummy', type: duration({ least: '0 ms', most: '1 h' }), byDefault: '5 s',
      meaning: 'A dummy.', value: 'milliseconds', off: 'Cannot be off.' },`;
    edit('src/config/settings.ts', 'export const SETTINGS = {', `export const SETTINGS = {\n  ${row}`);
    const printed = await run(`
      import { readConfig, type Config } from './src/config/config.ts';
      import { helpText } from './src/config/describe.ts';
      import { defaultFile, settingsPage } from './test/support/docs/settings-docs.ts';
      const given = ['--homeserver-url', 'http://a:1'];
      const dummyOf = ({ dummyMs }: Config): number => dummyMs;
      const read = (argv: string[], env = {}, file = ''): number =>
        dummyOf(readConfig({ argv: [...given, ...argv], env, readFile: () => file, defaultFile: 'a' }));
      console.log(JSON.stringify([
        read([]), read(['--dummy', '6 s']), read([], { HINDSYNC_DUMMY: '7 s' }), read([], {}, 'dummy: 8 s'),
        helpText('1').includes('--dummy, HINDSYNC_DUMMY, dummy'), defaultFile().includes('#dummy: 5 s'),
        settingsPage().includes('HINDSYNC_DUMMY'),
      ]));
    `);
    expect(JSON.parse(printed)).toEqual([5000, 6000, 7000, 8000, true, true, true]);
  });
});

describe('a kind: its name, a file, and a line where it is recognised', () => {
  test('the name alone -> the compiler says what is missing, and the setting knows it', async () => {
    edit('src/matrix/homeserver-kinds.ts', "  'synapse',", "  'synapse',\n  'dummy',");
    const printed = await run(`
      import { SETTINGS } from './src/config/settings.ts';
      const { type, value } = SETTINGS.homeserverKind;
      console.log(JSON.stringify([type.schema.parse('dummy'), value]));
    `);
    expect(JSON.parse(printed)).toEqual(['dummy', expect.stringContaining('synapse, dummy, dendrite')]);
    const tsc = promisify(execFile)(join(copy, 'node_modules/.bin/tsc'), ['--noEmit'], { cwd: copy });
    const errors = await tsc.then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
    expect(errors.match(/^\S.*error/gm)?.map((line) => line.split('(')[0])).toEqual([
      'src/homeserver/kinds/recognise.ts',
    ]);
    expect(errors).toContain("'dummy'");
  });
});
