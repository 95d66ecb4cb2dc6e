import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExactly } from '../../src/stream/exact-json.ts';
import { exactly, jsonText } from '../support/generated-json.ts';

test('any JSON, parsed and written again -> the same, every number as it was spelled', () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      expect(exactly(JSON.stringify(parseExactly(text)))).toEqual(exactly(text));
    }),
    { numRuns: 2000 },
  );
});

test.each([
  '0',
  '-0',
  '1',
  '-1',
  '10.5',
  '21.0',
  '1e2',
  '1E2',
  '-0.0',
  '123456789012345',
  '9007199254740993',
])('%s, alone, in a list and in an object -> as it is spelled', (number) => {
  for (const text of [number, `[${number}]`, `[1,${number}]`, `{"a":${number}}`])
    expect(JSON.stringify(parseExactly(text))).toBe(text);
});

test.each([
  { length: 20_000, isExact: true },
  { length: 200_000, isExact: false },
])('a text of $length characters -> numbers as they are spelled: $isExact', ({ length, isExact }) => {
  const text = `["${'x'.repeat(length)}",21.0]`;
  expect(JSON.stringify(parseExactly(text)) === text).toBe(isExact);
});

test('a plain number -> a number', () => {
  expect(parseExactly('{"a":[7,-7,0,10.5]}')).toEqual({ a: [7, -7, 0, 10.5] });
});
