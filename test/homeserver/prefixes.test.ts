import { describe, expect, test } from 'vitest';
import { createPrefixReader } from '../../src/homeserver/prefixes.ts';
import { FakeHomeserver } from '../fake-homeserver.ts';

describe('/versions -> whether media need an access token', () => {
  test.each([
    { versions: ['r0.6.1', 'v1.1', 'v1.10'], expected: false },
    { versions: ['v1.11'], expected: true },
    { versions: ['v1.2', 'v1.20'], expected: true },
    { versions: ['v1.11-beta', 'v11', 'r0.11.0'], expected: false },
    { versions: [], flag: true, expected: true },
    { versions: undefined, expected: false },
  ])('$versions, flag $flag -> $expected', async ({ versions, flag = false, expected }) => {
    const answer = { versions: versions ?? null, unstable_features: { 'org.matrix.msc3916.stable': flag } };
    const reader = createPrefixReader(new FakeHomeserver({ versions: async () => answer }));
    await reader.refresh();
    expect(reader.hasAuthenticatedMedia()).toBe(expected);
  });

  test('not asked yet -> no', () => {
    expect(createPrefixReader(new FakeHomeserver()).hasAuthenticatedMedia()).toBe(false);
  });
});
