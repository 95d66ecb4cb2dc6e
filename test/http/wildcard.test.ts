import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesAny } from '../../src/http/wildcard.ts';

describe('matchesAny', () => {
  test.each([
    { patterns: [], text: 'x', is: false },
    { patterns: ['x'], text: 'X', is: true },
    { patterns: ['x'], text: 'xy', is: false },
    { patterns: ['y', 'x*'], text: 'xyz', is: true },
    { patterns: ['*y*'], text: 'xyz', is: true },
    { patterns: ['ab*ba'], text: 'aba', is: false },
    { patterns: ['a*b*b'], text: 'ab', is: false },
    { patterns: ['*'], text: '', is: true },
    { patterns: ['a.c'], text: 'abc', is: false },
  ])('$patterns and $text -> $is', ({ patterns, text, is }) => {
    expect(matchesAny(patterns, text)).toBe(is);
  });

  test('any pattern and text -> as a regular expression would say', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(letters, text, (pattern, given) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(given);
        expect(matchesAny([pattern], given)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});
