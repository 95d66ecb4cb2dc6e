import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBelow, isLongPoll, matchesAsSent, pathOf, toRawPath } from '../../src/http/raw-url.ts';
import { hasDotSegment } from '../../src/matrix/dot-segments.ts';

describe('a path with a whole dot segment, however it is written', () => {
  test.each([
    '/_matrix/..',
    '/_matrix/../_synapse/admin',
    '/_matrix/./client',
    '/_matrix/%2e%2e/x',
    '/_matrix/%2E%2e/x',
    '/_matrix/.%2e/x',
    '/_matrix/%2e./x',
    '/_matrix/%2e/x',
    '/_matrix/..\\x',
    '/_matrix\\..\\x',
    '/_matrix/a%5c..%5cx',
    '/_matrix/a%5C%2e%2E/x',
    '/_matrix/a%2f..%2fx',
    '/_matrix/a%2F%2e%2e',
    '/_matrix/%252e%252e/x',
    '/_matrix/a%252f..%252fx',
    '/_matrix/a%25252f%2525252e./x',
    '/_matrix/..#x',
    '..',
  ])('%s -> is one', (path) => {
    expect(hasDotSegment(path)).toBe(true);
  });

  test.each([
    '/_matrix/client/v3/rooms/!a:example.org/state/x/..foo',
    '/_matrix/client/v3/a..b',
    '/_matrix/client/v3/foo..',
    '/_matrix/client/v3/...',
    '/_matrix/client/v3/a\\b',
    '/_matrix/client/v3/%zz',
    '/_matrix/client//v3',
    '/_matrix/client/v3/a%2Fb',
    '/_matrix/client/v3/a%2Fb.c%2F.d',
    '/_matrix/client/v3/%2e%2ex',
    '/.well-known/matrix/client',
    '/',
    '',
  ])('%s -> is none', (path) => {
    expect(hasDotSegment(path)).toBe(false);
  });

  test('a path of 60,000 dots or escapes -> decided without backtracking for long', () => {
    expect(hasDotSegment(`/${'.'.repeat(60_000)}`)).toBe(false);
    expect(hasDotSegment('%25'.repeat(20_000))).toBe(false);
    expect(hasDotSegment('/%2e'.repeat(15_000))).toBe(true);
  });
});

describe('which pool', () => {
  test.each([
    ['/_matrix/client/v3/sync', true],
    ['/_matrix/client/r0/events', true],
    ['/_matrix/client/unstable/org.matrix.simplified_msc3575/sync', true],
    ['/_matrix/client/v3/keys/changes', true],
    ['/_matrix/client/v3/account/whoami', false],
    ['/_matrix/client/v3/events/$id', false],
    ['/_matrix/federation/v1/events', false],
  ])('%s -> long poll: %s', (path, expected) => {
    expect(isLongPoll(path)).toBe(expected);
  });
});

test('the path of a raw URL -> up to the first question mark', () => {
  expect(pathOf('/a/b?c?d')).toBe('/a/b');
  expect(pathOf('/a/b')).toBe('/a/b');
});

test('prefixes -> compared byte by byte, from the start', () => {
  expect(isBelow(['/_matrix/', '/x/'], '/_matrix/client')).toBe(true);
  for (const url of ['/_matrix', '//_matrix/', '/%5fmatrix/', 'http://a/_matrix/', '*', '']) {
    expect(isBelow(['/_matrix/'], url)).toBe(false);
  }
});

describe('toRawPath', () => {
  test.each([
    { segments: ['rooms', '!a:b', 'event', '$x/+y'], path: 'rooms/!a%3Ab/event/%24x%2F%2By' },
    { segments: ['rooms', '', 'state'], path: 'rooms//state' },
    { segments: ['rooms', '..foo', 'a..b', '...'], path: 'rooms/..foo/a..b/...' },
    { segments: ['rooms', '\ud800'], path: 'rooms/%EF%BF%BD' },
  ])('$segments -> $path', ({ segments, path }) => {
    expect(toRawPath(...segments)).toBe(path);
  });

  test.each(['.', '..', '../x', 'x/..', '..\\x', '%2e%2e', '..%2fx', '%252e', 'a/./b'])(
    '%s -> refused',
    (id) => {
      expect(() => toRawPath('rooms', id, 'state')).toThrow('Unrecognized request');
    },
  );

  test('any segments -> refused, or a path of as many segments that says them', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (segments) => {
        let path: string;
        try {
          path = toRawPath(...segments);
        } catch {
          return segments.some((segment) => hasDotSegment(segment));
        }
        const read = path.split('/').map(decodeURIComponent);
        return JSON.stringify(read) === JSON.stringify(segments.map((segment) => segment.toWellFormed()));
      }),
    );
  });
});

describe('matchesAsSent', () => {
  test.each([
    { path: '/a/x/c', pattern: '/a/:p/c', matches: true },
    { path: '/a/%63/c', pattern: '/a/:p/c', matches: true },
    { path: '/%61/x/c', pattern: '/a/:p/c', matches: false },
    { path: '/a/x/%63', pattern: '/a/:p/c', matches: false },
    { path: '/a/x/c#y', pattern: '/a/:p/c', matches: false },
    { path: '/a/x/y/z', pattern: '/a/*', matches: true },
  ])('$pattern, $path -> $matches', ({ path, pattern, matches }) => {
    expect(matchesAsSent(pattern, path)).toBe(matches);
  });
});
