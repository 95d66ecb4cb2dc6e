// Docs that repeat what the code says are compared with it.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settingsTable } from '../src/config/describe.ts';
import { settings } from '../src/config/settings.ts';
import { HOMESERVER_KINDS } from '../src/matrix/homeserver-kinds.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

function between(text: string, start: string, end: string): string {
  return text.slice(text.indexOf(start) + start.length, text.indexOf(end)).trim();
}

describe('README.md', () => {
  test('the table of settings -> the one of the code', () => {
    expect(between(read('README.md'), '<!-- settings -->', '<!-- /settings -->')).toBe(settingsTable());
  });

  test('the one test command -> what CI runs', () => {
    expect(read('.ci/run')).toMatch(/^npm ci\nnpm test$/m);
    expect(JSON.parse(read('package.json')).scripts.test).toBe('npm run types && npm run lint && vitest run');
  });

  test('every file and heading that the docs link to -> is there', () => {
    const broken = ['README.md', ...globSync('docs/**/*.md')].flatMap((page) => {
      const links = [...read(page).matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link = '']) => link);
      return links.filter((link) => !isThere(link, page)).map((link) => `${page}: ${link}`);
    });
    expect(broken).toEqual([]);
  });
});

/** Whether a link of a page leads to a file or folder of the repository and, behind `#`, to a heading of that page. */
function isThere(link: string, page: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : posix.join(posix.dirname(page), path);
  if (!existsSync(new URL(`../${target}`, import.meta.url))) return false;
  return anchor === undefined || anchorsOf(read(target)).includes(anchor);
}

/** A page's headings, as GitHub names them in links. */
const anchorsOf = (page: string): string[] =>
  [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('the code', () => {
  const sources = globSync('{src,test,bench}/**/*.ts').map((path) => ({ path, text: read(path) }));

  test('every `@see` -> a file and heading of the repository, or a whole URL', () => {
    const sees = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/@see\s(.+?)(?: \*\/)?$/gm)].map(([, see = '']) => ({ path, see })),
    );
    expect(sees.length).toBeGreaterThan(100);
    // One target, and in brackets what to look for there.
    const target = (see: string) => /^(\S+)(?: \([^()]+\))?$/.exec(see)?.[1] ?? '';
    const isGood = (see: string) => see !== '' && (/^https:\/\/\S+$/.test(see) || isThere(see, '.'));
    const dead = sees.filter(({ see }) => !isGood(target(see)));
    expect(dead).toEqual([]);
  });

  test('comments -> name no page that is elsewhere', () => {
    const elsewhere = /(?<!docs\/)reference\/\w+\.md|design(?:\.md)? §|seeds\/\d/;
    expect(sources.filter(({ text }) => elsewhere.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

/** A deviation from native is marked in the code with this word; its first sentence names it. */
function differencesInCode(): string[] {
  const sources = globSync('src/**/*.ts').map((path) => read(path).replaceAll(/\n\s*(\*|\/\/) ?/g, ' '));
  return sources.flatMap((source) =>
    [...source.matchAll(/Differs: (.+?)\.(?=\s)/g)].map(([, name]) => name ?? ''),
  );
}

describe('docs/endpoints.md', () => {
  test('every `Differs:` of the code -> a difference in the docs, and the other way round', () => {
    const named = [...read('docs/endpoints.md').matchAll(/^- \*\*([^*]+)\*\*\./gm)].map(
      ([, name]) => name ?? '',
    );
    expect(named.toSorted()).toEqual(differencesInCode().toSorted());
  });
});

describe('docs/homeservers.md', () => {
  const page = read('docs/homeservers.md');

  test('every kind -> a row in the table, with all its cells, and notes of its own', () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \|(.+)\|$/gm)];
    const headings = [...page.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    expect(rows.map(([, name]) => name).toSorted()).toEqual(HOMESERVER_KINDS.toSorted());
    expect(headings.toSorted()).toEqual(HOMESERVER_KINDS.toSorted());
    for (const [, name, cells] of rows)
      expect(
        cells?.split('|').map((cell) => cell.trim() !== ''),
        name,
      ).toEqual(Array(5).fill(true));
  });

  test('every kind -> one that can be set, and the other way round', () => {
    const type = settings.find(({ name }) => name === 'homeserver_kind')?.type;
    const words = type?.expected
      .replace('one of', '')
      .match(/\w+/g)
      ?.filter((word) => word !== 'or');
    expect(words?.toSorted()).toEqual(['auto', ...HOMESERVER_KINDS].toSorted());
  });
});
