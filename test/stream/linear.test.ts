// Whatever is read, twice the bytes take no more than about twice the looks at them.

import { describe, expect, test } from 'vitest';
import { JsonMembers } from '../../src/stream/json-members.ts';
import { JsonReader, type JsonStep } from '../../src/stream/json-reader.ts';
import { countedBytes, type Steps } from '../support/counted-bytes.ts';

const some = 2000;

/** Texts of about `n` units that a reader could go astray in; some are cut, or no JSON. */
const texts: Record<string, (n: number) => string> = {
  'brackets in brackets': (n) => `{"a":${'['.repeat(n)}${']'.repeat(n)}}`,
  'objects in objects': (n) => `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`,
  'many members': (n) => `{${Array.from({ length: n }, (_, i) => `"${i}":{}`).join()}}`,
  'the same key again and again': (n) => `{${'"type":"t",'.repeat(n)}"type":"t"}`,
  'many objects': (n) => `{"a":[${'{"type":"t","b":[{}]},'.repeat(n)}{}]}`,
  'objects that are broken inside': (n) => `{"a":[${'{"b"]},'.repeat(n)}{}]}`,
  backslashes: (n) => `{"a":"${'\\\\'.repeat(n)}"}`,
  'quotes that are escaped': (n) => `{"${'\\"'.repeat(n)}":"${'\\"'.repeat(n)}"}`,
  'a long key': (n) => `{"${'k'.repeat(n)}":1}`,
  'a long number': (n) => `{"a":${'1'.repeat(n)}}`,
  'white space': (n) => `{${' '.repeat(n)}"a"${' '.repeat(n)}:${' '.repeat(n)}1${' '.repeat(n)}}`,
  'a string without an end': (n) => `{"a":"${'x'.repeat(n)}`,
  'a list without an end': (n) => `{"a":[${'[],'.repeat(n)}`,
};

function readerSteps(text: string, chunkBytes: number, step: JsonStep): number {
  const steps: Steps = { count: 0 };
  const reader = new JsonReader({
    visit: (path) => (path.length < 2 ? 'enter' : step),
    take: (_path, bytes) => void (steps.count += bytes.length),
    takeMembers: (_path, _bytes, { start, end }) => void (steps.count += end - start),
    leave: () => {},
  });
  const bytes = Buffer.from(text);
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes)
      reader.push(countedBytes(bytes.subarray(at, at + chunkBytes), steps));
    reader.end();
  } catch (error) {
    // What is no JSON is refused, as soon as it is seen.
    expect(error).toMatchObject({ name: 'JsonReaderError' });
  }
  return steps.count;
}

function membersSteps(text: string): number {
  const steps: Steps = { count: 0 };
  new JsonMembers().find(countedBytes(Buffer.from(text), steps), 0);
  return steps.count;
}

describe.each(Object.entries(texts))('%s', (_name, textOf) => {
  const [once, twice] = [textOf(some), textOf(2 * some)];
  // Keys and indices grow with their numbers.
  const growth = (twice.length / once.length) * 1.05;

  test.each(['take', 'take members', 'skip'] as const)(
    'read in chunks of any size, to %s what is inside -> each byte is looked at a few times',
    (step) => {
      for (const chunkBytes of [1, 7, 1000, 1 << 20]) {
        const steps = readerSteps(twice, chunkBytes, step);
        expect(steps).toBeLessThanOrEqual(growth * readerSteps(once, chunkBytes, step) + 100);
        expect(steps).toBeLessThanOrEqual(8 * twice.length);
      }
    },
  );

  test('its members -> each byte is looked at a few times', () => {
    expect(membersSteps(twice)).toBeLessThanOrEqual(growth * membersSteps(once) + 100);
    expect(membersSteps(twice)).toBeLessThanOrEqual(4 * twice.length);
  });
});

test('what is entered more than 64 levels deep -> refused', () => {
  const reader = new JsonReader({ visit: () => 'enter', take: () => {}, leave: () => {} });
  expect(() => reader.push(Buffer.from('['.repeat(65)))).toThrow('nested too deeply');
});
