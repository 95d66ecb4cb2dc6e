import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { legacyRoutes, routesTable } from '../../src/passthrough/legacy-routes.ts';

describe('the table of legacy routes', () => {
  test('docs/endpoints.md -> shows the same', () => {
    const docs = readFileSync('docs/endpoints.md', 'utf8');
    expect(/<!-- routes -->\n\n([^]*?)\n\n<!-- \/routes -->/.exec(docs)?.[1]).toBe(routesTable());
  });

  test('a route -> stands in it once for each prefix and method', () => {
    const routes = legacyRoutes.flatMap(({ prefixes, methods, path }) =>
      prefixes.flatMap((prefix) => methods.map((method) => `${method} ${prefix}/${path}`)),
    );
    expect(routes.filter((route, i) => routes.indexOf(route) !== i)).toEqual([]);
  });

  test('what is reshaped -> says by which file, and how', () => {
    for (const { by, note } of legacyRoutes.filter(({ what }) => what === 'reshape')) {
      expect(globSync(`src/endpoints/**/${by}.ts`)).toHaveLength(1);
      expect(note).not.toBe('');
    }
  });

  test('what is refused -> says why', () => {
    const reasons = legacyRoutes.filter(({ what }) => what === 'refuse').map(({ note = '' }) => note);
    expect(reasons.length).toBeGreaterThan(3);
    for (const reason of reasons) expect(reason).toMatch(/^[A-Z].{20,}[^.]$/);
  });

  test('what has moved -> has as many stars as before', () => {
    const stars = (path = '') => path.split('*').length;
    for (const { path, to } of legacyRoutes.filter(({ by }) => by === 'moved'))
      expect(stars(to)).toBe(stars(path));
  });
});
