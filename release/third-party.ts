// THIRD-PARTY.md: every package that runs in production, with its licence. `npm run third-party` writes it anew.

import { readFileSync, writeFileSync } from 'node:fs';

interface Locked {
  version?: string;
  dev?: boolean;
  license?: string;
}

/** Licences that ask for no more than to be named. A package with another one is a decision for people. */
const ALLOWED: ReadonlySet<string> = new Set([
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
]);

/** The lock file → the text of THIRD-PARTY.md. Throws for a package whose licence is not an allowed one. */
export function thirdParty(lockFile: string): string {
  const { packages } = JSON.parse(lockFile) as { packages: Record<string, Locked> };
  const rows = Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { version = '', license = 'none named' }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      if (!ALLOWED.has(license)) throw new Error(`${name} ${version} has the licence ${license}`);
      return `| ${name} | ${version} | ${license} |`;
    });
  return [
    '# Third-party packages',
    'Hindsync runs with these packages from the npm registry. `npm run third-party` makes this list from the lock file.',
    '',
    '| package | version | licence |',
    '|---|---|---|',
    ...[...new Set(rows)].toSorted(),
    '',
  ].join('\n');
}

if (process.argv[1] === import.meta.filename)
  writeFileSync('THIRD-PARTY.md', thirdParty(readFileSync('package-lock.json', 'utf8')));
