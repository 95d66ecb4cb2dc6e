// What goes out to others: the npm package as somebody installs it, the licences in it, and builds that can be checked.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertReproducible } from '../release/check.ts';
import { thirdParty } from '../release/third-party.ts';

const run = promisify(execFile);

test('THIRD-PARTY.md -> every package that runs in production, with an allowed licence', async () => {
  const lockFile = await readFile('package-lock.json', 'utf8');
  expect(await readFile('THIRD-PARTY.md', 'utf8')).toBe(thirdParty(lockFile));
});

test('a package with a licence that nobody allowed -> refused, by its name', () => {
  const lockFile = { packages: { '': {}, 'node_modules/a': { version: '1.0.0', license: 'SSPL-1.0' } } };
  expect(() => thirdParty(JSON.stringify(lockFile))).toThrow('a 1.0.0 has the licence SSPL-1.0');
});

test('two builds -> the same bytes', { timeout: 60_000 }, () => {
  expect(() => assertReproducible()).not.toThrow();
});

describe('the npm package', () => {
  let folder: string;
  let files: string[];
  let unpackedSize: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hindsync-package-'));
    const source = join(folder, 'source');
    for (const path of ['package.json', 'config', 'CHANGELOG.md', 'LICENSE', 'README.md', 'THIRD-PARTY.md'])
      await cp(path, join(source, path), { recursive: true });
    await run('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', join(source, 'dist')]);
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await run('npm', pack, { cwd: source, maxBuffer: 16 * 1024 * 1024 });
    const [packed] = Object.values(JSON.parse(stdout) as Record<string, Packed>);
    files = packed?.files.map(({ path }) => path) ?? [];
    unpackedSize = packed?.unpackedSize ?? 0;
    await mkdir(join(folder, 'installed'));
    await run('tar', ['-xzf', join(folder, packed?.filename ?? ''), '-C', join(folder, 'installed')]);
    // With the lock file's versions, from npm's own cache; the registry is asked for what is not there alone.
    const installed = join(folder, 'installed', 'package');
    await cp('package-lock.json', join(installed, 'package-lock.json'));
    await run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--prefer-offline'], { cwd: installed });
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true }));

  const hindsync = (...args: string[]) =>
    run(process.execPath, ['dist/main.js', ...args], { cwd: join(folder, 'installed', 'package') });

  test('what is in it -> the program, its settings, and what says what it is', () => {
    const others = files.filter((path) => !/^dist\/.+\.js$/.test(path));
    expect(others.toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'THIRD-PARTY.md',
      'config/hindsync.yaml',
      'package.json',
    ]);
    expect(files.filter((path) => /test|fault|bench/.test(path))).toEqual([]);
    expect(unpackedSize).toBeLessThan(2 * 1024 * 1024);
  });

  test('`hindsync --version`, without any development dependency -> the version', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect((await hindsync('--version')).stdout).toBe(`${version}\n`);
  });

  test('`hindsync --demo --once` -> the demo to its end', { timeout: 60_000 }, async () => {
    const { stdout } = await hindsync('--demo', '--once');
    expect(stdout).toContain('/initialSync');
  });
});

interface Packed {
  filename: string;
  unpackedSize: number;
  files: { path: string }[];
}
