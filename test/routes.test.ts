import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ROUTES } from '../src/routes.ts';
import { startGateway } from './support/gateway.ts';
import { toMarkdown } from './support/docs/routes-table.ts';

describe('the table of routes', () => {
  test('docs/endpoints.md -> shows the same (vitest -u writes it)', async () => {
    const docs = readFileSync('docs/endpoints.md', 'utf8');
    const between = /(?<=<!-- routes -->\n\n)[^]*?(?=\n\n<!-- \/routes -->)/;
    const current = docs.replace(between, () => toMarkdown(ROUTES));
    await expect(current).toMatchFileSnapshot('../docs/endpoints.md');
  });

  test('a route -> stands in it once for each prefix and method, but for some of what it takes', () => {
    const all = ROUTES.filter((route) => route.what !== 'answer' || route.takes === undefined);
    const routes = all.flatMap(({ prefixes, methods, path }) =>
      prefixes.flatMap((prefix) => methods.map((method) => `${method} ${prefix}/${path}`)),
    );
    expect(routes.filter((route, i) => routes.indexOf(route) !== i)).toEqual([]);
  });

  test('what takes some requests of a route -> stands before what takes the others', () => {
    for (const [i, one] of ROUTES.entries()) {
      if (one.what !== 'answer' || one.takes === undefined) continue;
      const others = ROUTES.slice(i + 1).filter(
        ({ path, methods }) => path === one.path && methods[0] === one.methods[0],
      );
      expect(others.flatMap(({ prefixes }) => prefixes)).toEqual(expect.arrayContaining([...one.prefixes]));
    }
  });

  test('what is answered or refused -> says what happens, and under which name it is counted', () => {
    for (const route of ROUTES) {
      if (route.what === 'pass') continue;
      expect(route.about).not.toBe('');
      expect(route.label).toMatch(/^[a-z0-9-]+$/);
    }
  });

  test('what has moved -> has as many stars as before', () => {
    const stars = (path: string) => path.split('*').length;
    const moved = ROUTES.flatMap((route) =>
      route.what === 'answer' && route.to !== undefined ? [route] : [],
    );
    expect(moved.length).toBeGreaterThan(0);
    for (const { path, to = '' } of moved) expect(stars(to)).toBe(stars(path));
  });
});

describe('what is counted', () => {
  test('every route, asked once -> each label occurs, previews under their own', async () => {
    const gateway = await startGateway('http://127.0.0.1:1', { homeserverKind: 'synapse' });
    const counted = ROUTES.flatMap((route) => (route.what === 'pass' ? [] : [route]));
    for (const { methods, prefixes, path } of counted) {
      const url = `${gateway.url}/_matrix/client/${prefixes[0]}/${path.replaceAll(/\*+/g, 'x')}`;
      for (const query of ['', '?room_id=!a:test', '?full_state=1'])
        await (await fetch(url + query, { method: methods[0] ?? 'GET' })).text();
    }
    const metrics = await (await fetch(`${gateway.internalUrl}/metrics`)).text();
    await gateway.close();
    const labels = new Set([...metrics.matchAll(/endpoint="([^"]+)"/g)].map(([, label]) => label));
    expect([...labels].toSorted()).toEqual([...new Set(counted.map(({ label }) => label))].toSorted());
  });
});
