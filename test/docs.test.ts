// Docs that repeat what the code says are compared with it.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settings } from '../src/config/settings.ts';
import { HOMESERVER_KINDS } from '../src/matrix/homeserver-kinds.ts';
import { differences } from '../src/operate/differences.ts';
import { differencesOf, endpointsThatDiffer } from './support/docs/differences-docs.ts';
import { generatedSectionsOf, withGenerated } from './support/docs/generated-sections.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('README.md', () => {
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
    const elsewhere = /(?<!docs\/)reference\/\w+\.md|design(?:\.md)? §|(?:seeds|cases)\/\w/;
    expect(sources.filter(({ text }) => elsewhere.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('docs/endpoints.md', () => {
  test('its lists of differences -> those of the code (vitest -u writes them anew)', async () => {
    const page = read('docs/endpoints.md');
    const lists = endpointsThatDiffer.map((endpoint) => [
      `differences: ${endpoint}`,
      differencesOf(endpoint),
    ]);
    const sections = generatedSectionsOf(page).filter((name) => name.startsWith('differences: '));
    expect(sections.toSorted()).toEqual(lists.map(([name]) => name).toSorted());
    await expect(withGenerated(page, Object.fromEntries(lists))).toMatchFileSnapshot('../docs/endpoints.md');
  });
});

describe('differences', () => {
  const idsIn = (files: string): string[] =>
    globSync(files)
      .flatMap((path) => [...read(path).matchAll(/Differs: ([a-z0-9, -]+)$/gm)])
      .flatMap(([, ids = '']) => ids.trim().split(', '));

  test('every id that the code names -> a row, and every row named once', () => {
    expect(idsIn('src/**/*.ts').toSorted()).toEqual(differences.map(({ id }) => id).toSorted());
  });

  test('every row -> expected by a comparison with a real Synapse, or shown by a test that names it', () => {
    const compared = globSync('test/synapse/*.test.ts').map(read).join('\n');
    const shown = idsIn('test/**/*.test.ts');
    const ids = differences.map(({ id }) => id);
    expect(shown.filter((id) => !ids.some((each) => each === id))).toEqual([]);
    expect(ids.filter((id) => !shown.includes(id) && !compared.includes(`'${id}'`))).toEqual([]);
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
