// Where files stand, as docs/contributing.md says.

import { globSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from 'vitest';

test('what is not a test itself -> in test/support/, under a name that no other helper has', () => {
  const helpers = globSync('test/**/*.{ts,py}').filter((path) => !path.endsWith('.test.ts'));
  expect(helpers.length).toBeGreaterThan(20);
  expect(helpers.filter((path) => !path.startsWith('test/support/'))).toEqual([]);
  const names = helpers.map((path) => posix.basename(path));
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});
