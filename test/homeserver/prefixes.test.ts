import { describe, expect, test } from 'vitest';
import { createPrefixReader } from '../../src/homeserver/prefixes.ts';

describe('/versions -> whether media need an access token', () => {
  test.each([
    { versions: ['r0.6.1', 'v1.1', 'v1.10'], expected: false },
    { versions: ['v1.11'], expected: true },
    { versions: ['v1.2', 'v1.20'], expected: true },
    { versions: ['v1.11-beta', 'v11', 'r0.11.0'], expected: false },
    { versions: [], flag: true, expected: true },
    { versions: undefined, expected: false },
  ])('$versions, flag $flag -> $expected', ({ versions, flag = false, expected }) => {
    const answer = { versions: versions ?? null, unstable_features: { 'org.matrix.msc3916.stable': flag } };
    const reader = createPrefixReader();
    reader.note(answer);
    expect(reader.hasAuthenticatedMedia()).toBe(expected);
  });

  test('not asked yet -> no', () => {
    expect(createPrefixReader().hasAuthenticatedMedia()).toBe(false);
  });
});

describe('/versions, again', () => {
  test('the same promises -> nothing changed; others -> they replace the ones before', () => {
    const reader = createPrefixReader();
    expect(reader.note({ versions: ['r0.6.1'] })).toBe(true);
    expect(reader.note({ versions: ['r0.5.0'] })).toBe(false);
    const upgraded = {
      versions: ['v1.11'],
      unstable_features: { 'org.matrix.simplified_msc3575': true },
    };
    expect(reader.note(upgraded)).toBe(true);
    expect(reader.prefixes()).toMatchObject({ hasR0: false, hasV3: true });
    expect([reader.hasSlidingSync(), reader.hasAuthenticatedMedia()]).toEqual([true, true]);
  });

  test.each([null, 'r0.6.1', { 0: 'r0.6.1' }, [1, null, {}]])('versions %j -> none', (versions) => {
    const reader = createPrefixReader();
    reader.note({ versions } as never);
    expect(reader.prefixes()).toMatchObject({ hasR0: false, hasV3: false });
  });
});
