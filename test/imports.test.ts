import { globSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';

interface Rule {
  /** Folders or files of src/ it may import from, besides its own folder. */
  own: string[];
  /** From node_modules. */
  packages: boolean;
  /** Modules of Node. */
  node: 'any' | string[];
}

const RULES = readRules(readFileSync('docs/contributing.md', 'utf8'));

/** The table of docs/contributing.md → rules by the name of the folder or file. */
function readRules(markdown: string): Map<string, Rule> {
  const section = markdown.split('## Who may import whom')[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    rows.map((row) => {
      const [name = '', own = '', packages = '', node = ''] = row.split('|').slice(1);
      const rule: Rule = {
        own: namesIn(own),
        packages: packages.trim() === 'yes',
        node: node.trim() === 'any' ? 'any' : namesIn(node),
      };
      return [namesIn(name)[0] ?? '', rule];
    }),
  );
}

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+?)\/?`/g)].map((match) => match[1] ?? '');
}

/** A file of src/ (path below it) and its text → what it imports and may not. */
function violationsIn(path: string, source: string): string[] {
  const folder = path.split('/')[0] ?? '';
  const rule = RULES.get(folder);
  if (rule === undefined) return [`${path}: a folder that has no rule`];
  const forbidden = importsOf(source).filter((imported) => !isAllowed(imported, path, folder, rule));
  return forbidden.map((imported) => `${path}: ${imported}`);
}

function isAllowed(imported: string, path: string, folder: string, rule: Rule): boolean {
  if (isBuiltin(imported)) return rule.node === 'any' || rule.node.includes(imported);
  if (!imported.startsWith('.')) return rule.packages;
  const target = posix.join(posix.dirname(path), imported);
  return [folder, ...rule.own].some((own) => target === own || target.startsWith(`${own}/`));
}

const importsOf = (source: string): string[] =>
  [...source.matchAll(/(?:^|[\s;}])(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/gm)].map(
    (match) => match[1] ?? '',
  );

/** Ways from a file back to itself, one for each that is found. */
function circlesIn(all: readonly { path: string; source: string }[]): string[][] {
  const targetsOf = new Map(
    all.map(({ path, source }) => [
      path,
      importsOf(source)
        .filter((imported) => imported.startsWith('.'))
        .map((imported) => posix.join(posix.dirname(path), imported)),
    ]),
  );
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path]);
    if (done.has(path) || way.includes(path)) return;
    for (const target of targetsOf.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const { path } of all) visit(path, []);
  return circles;
}

/** What belongs to the process as a whole, and so to main.ts and command.ts alone. */
const usesProcess = (source: string): boolean =>
  /\bprocess\.(?:exit|exitCode|on|once|env|argv|stdin|stdout|stderr|kill|chdir)\b/.test(source) ||
  importsOf(source).includes('node:process');

const files = globSync('**/*.ts', { cwd: 'src' }).map((path) => ({
  path: path.replaceAll('\\', '/'),
  source: readFileSync(`src/${path}`, 'utf8'),
}));

describe('the import rule', () => {
  test('when the table is read -> each folder and file of src/ has a row, and each row a folder or file', () => {
    expect([...RULES.keys()].toSorted()).toEqual(readdirSync('src').toSorted());
  });

  test('when src/ is read -> nobody imports what its folder may not', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap(({ path, source }) => violationsIn(path, source))).toEqual([]);
  });

  test('when src/ is read -> no circle of any sort, of types neither', () => {
    expect(circlesIn(files)).toEqual([]);
  });

  test('when two files import each other -> a circle', () => {
    const a = { path: 'a.ts', source: "import type { B } from './b/b.ts';" };
    const b = { path: 'b/b.ts', source: "import { a } from '../a.ts';" };
    expect(circlesIn([a, b])).toEqual([['a.ts', 'b/b.ts', 'a.ts']]);
  });

  test('when src/ is read -> only main.ts and command.ts touch the process', () => {
    const others = files.filter(
      ({ path, source }) => !['main.ts', 'command.ts'].includes(path) && usesProcess(source),
    );
    expect(others.map(({ path }) => path)).toEqual([]);
  });

  test.each([
    { path: 'translate/events.ts', source: "import { request } from 'undici';", isFound: true },
    { path: 'translate/events.ts', source: "import { readFile } from 'node:fs';", isFound: true },
    { path: 'translate/events.ts', source: "import { createHash } from 'node:crypto';", isFound: false },
    {
      path: 'translate/events.ts',
      source: "import type { A } from '../scheduling/clock.ts';",
      isFound: true,
    },
    { path: 'translate/events.ts', source: "export {\n  a,\n} from '../follow/poll.ts';", isFound: true },
    { path: 'translate/events.ts', source: "await import('../follow/poll.ts');", isFound: true },
    { path: 'translate/events.ts', source: "import './invite.ts';", isFound: false },
    { path: 'matrix/sync.ts', source: "import 'node:fs';", isFound: true },
    {
      path: 'follow/poll.ts',
      source: "import { Homeserver } from '../homeserver/homeserver.ts';",
      isFound: false,
    },
    { path: 'endpoints/v1/a.ts', source: "import { a } from '../../follow/a.ts';", isFound: false },
    { path: 'endpoints/v1/a.ts', source: "import { a } from '../../main.ts';", isFound: true },
    { path: 'http/send.ts', source: "import { pino } from 'pino';", isFound: false },
    { path: 'scheduling/clock.ts', source: "import { pino } from 'pino';", isFound: true },
    { path: 'elsewhere/a.ts', source: '', isFound: true },
  ])('when $path says $source -> found: $isFound', ({ path, source, isFound }) => {
    expect(violationsIn(path, source).length > 0).toBe(isFound);
  });

  test.each([
    { source: 'process.exit(1)', isFound: true },
    { source: "import { env } from 'node:process';", isFound: true },
    { source: 'process.nextTick(done)', isFound: false },
  ])('when a file says $source -> touches the process: $isFound', ({ source, isFound }) => {
    expect(usesProcess(source)).toBe(isFound);
  });
});
