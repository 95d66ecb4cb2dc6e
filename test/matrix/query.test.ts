import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MatrixError } from '../../src/matrix/errors.ts';
import { readBoolean, readLimit, readSyncTimeout, readTimeout } from '../../src/matrix/query.ts';

const query = (text: string) => new URLSearchParams(text);

describe('readLimit', () => {
  test.each([
    { text: '', expected: 10 },
    { text: 'limit=0', expected: 0 },
    { text: 'limit=7', expected: 7 },
    { text: 'limit=%2B7', expected: 7 },
    { text: 'limit=%207%20', expected: 7 },
    { text: 'limit=007', expected: 7 },
    { text: 'limit=1000', expected: 1000 },
    { text: 'limit=1001', expected: 1000 },
    { text: `limit=${'9'.repeat(400)}`, expected: 1000 },
    { text: 'limit=3&limit=4', expected: 3 },
  ])('"$text" -> $expected', ({ text, expected }) => {
    expect(readLimit(query(text), 10)).toBe(expected);
  });

  test.each(['limit=', 'limit=x', 'limit=1.5', 'limit=1e3', 'limit=0x10', 'limit=NaN', 'limit=1 2'])(
    '"%s" -> 400 in Synapse\'s words',
    (text) => {
      expect(() => readLimit(query(text), 10)).toThrow(
        expect.objectContaining({
          status: 400,
          errcode: 'M_INVALID_PARAM',
          message: 'Query parameter limit must be an integer',
        }),
      );
    },
  );

  test("negative -> 400 in Synapse's words", () => {
    expect(() => readLimit(query('limit=-1'), 10)).toThrow(
      expect.objectContaining({
        status: 400,
        errcode: 'M_INVALID_PARAM',
        message: 'Query parameter limit must be a positive integer.',
      }),
    );
  });
});

describe('readSyncTimeout', () => {
  test.each([
    { text: '', expected: 0 },
    { text: 'timeout=0', expected: 0 },
    { text: 'timeout=1', expected: 1 },
    { text: 'timeout=99999999', expected: 600_000 },
  ])('"$text" -> $expected ms', ({ text, expected }) => {
    expect(readSyncTimeout(query(text), 600_000)).toBe(expected);
  });

  test.each([
    { text: 'timeout=', message: 'Query parameter timeout must be an integer' },
    { text: 'timeout=1.5', message: 'Query parameter timeout must be an integer' },
    { text: 'timeout=-1', message: 'Query parameter timeout must be a positive integer.' },
  ])('"$text" -> 400 in Synapse\'s words', ({ text, message }) => {
    expect(() => readSyncTimeout(query(text), 600_000)).toThrow(
      expect.objectContaining({ status: 400, errcode: 'M_INVALID_PARAM', message }),
    );
  });
});

describe('readTimeout', () => {
  test.each([
    { text: '', expected: 30_000 },
    { text: 'timeout=0', expected: 0 },
    { text: 'timeout=1', expected: 500 },
    { text: 'timeout=-5', expected: 500 },
    { text: 'timeout=500', expected: 500 },
    { text: 'timeout=12000', expected: 12_000 },
    { text: 'timeout=99999999', expected: 600_000 },
  ])('"$text" -> $expected ms', ({ text, expected }) => {
    expect(readTimeout(query(text), 600_000)).toBe(expected);
  });

  test('absent, and the most is shorter -> the most', () => {
    expect(readTimeout(query(''), 10_000)).toBe(10_000);
  });

  test.each(['timeout=', 'timeout=x', 'timeout=1.5'])('"%s" -> 400 in Synapse\'s words', (text) => {
    expect(() => readTimeout(query(text), 600_000)).toThrow(
      expect.objectContaining({
        status: 400,
        errcode: 'M_UNKNOWN',
        message: 'timeout must be in milliseconds.',
      }),
    );
  });
});

describe('readBoolean', () => {
  test.each([
    { text: '', expected: false },
    { text: 'archived=false', expected: false },
    { text: 'archived=true', expected: true },
  ])('"$text" -> $expected', ({ text, expected }) => {
    expect(readBoolean(query(text), 'archived')).toBe(expected);
  });

  test.each(['archived=', 'archived=True', 'archived=1', 'archived=yes'])(
    '"%s" -> 400 in Synapse\'s words',
    (text) => {
      expect(() => readBoolean(query(text), 'archived')).toThrow(
        expect.objectContaining({
          status: 400,
          errcode: 'M_INVALID_PARAM',
          message: "Boolean query parameter 'archived' must be one of ['true', 'false']",
        }),
      );
    },
  );
});

describe('any text', () => {
  test('-> a value within its bounds or a MatrixError', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const given = new URLSearchParams({ limit: text, timeout: text, archived: text });
        for (const read of [
          () => readLimit(given, 10) >= 0 && readLimit(given, 10) <= 1000,
          () => readTimeout(given, 600_000) >= 0 && readTimeout(given, 600_000) <= 600_000,
          () => typeof readBoolean(given, 'archived') === 'boolean',
        ]) {
          try {
            expect(read()).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(MatrixError);
          }
        }
      }),
    );
  });
});
