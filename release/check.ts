// What has to be true of a release, before its tag is set: `npm run release:check`. Each line says what was looked at.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thirdParty } from './third-party.ts';

/** A check throws what is wrong, in words for the person who releases. */
type Check = () => void;

const read = (path: string): string => readFileSync(path, 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };

const checks: Record<string, Check> = {
  'the work tree is clean': () => {
    const changed = execFileSync('git', ['status', '--porcelain'], { encoding: 'utf8' });
    if (changed !== '') throw new Error(`commit or remove:\n${changed}`);
  },
  [`CHANGELOG.md has version ${version} and its date`]: () => {
    const heading = new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d{2}-\\d{2}$`, 'm');
    if (!heading.test(read('CHANGELOG.md')))
      throw new Error(`it needs a heading "## [${version}] - YYYY-MM-DD"`);
  },
  'the lock file has the same version': () => {
    const locked = (JSON.parse(read('package-lock.json')) as { version: string }).version;
    if (locked !== version) throw new Error(`it has ${locked}: run npm install`);
  },
  'THIRD-PARTY.md is up to date, and every licence is allowed': () => {
    if (read('THIRD-PARTY.md') !== thirdParty(read('package-lock.json')))
      throw new Error('run npm run third-party');
  },
  'two builds give the same bytes': () => assertReproducible(),
};

/** Builds twice, each into a new folder, and compares all files. Throws where one differs. */
export function assertReproducible(): void {
  const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'hindsync-build-')));
  try {
    const [one, other] = folders.map((folder) => {
      execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', folder]);
      return filesIn(folder);
    });
    for (const [name, content] of one ?? [])
      if (other?.get(name) !== content) throw new Error(`${name} is not the same in both`);
    if (one === undefined || one.size === 0 || one.size !== other?.size)
      throw new Error('the builds have not the same files');
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true });
  }
}

function filesIn(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js'),
  );
  return new Map(names.map((name) => [name, read(join(folder, name))]));
}

if (process.argv[1] === import.meta.filename) {
  for (const [what, check] of Object.entries(checks)) {
    try {
      check();
      process.stdout.write(`ok    ${what}\n`);
    } catch (error) {
      process.stdout.write(`wrong ${what}: ${(error as Error).message}\n`);
      process.exitCode = 1;
    }
  }
}
