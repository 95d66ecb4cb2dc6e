import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  JsonReader,
  JsonReaderError,
  type JsonPath,
  type JsonVisitor,
} from '../../src/stream/json-reader.ts';

/** Enters everything down to a depth, and takes what lies there: the whole value can be built again from what it saw. */
class Builder implements JsonVisitor {
  readonly taken: { path: (string | number)[]; value: unknown }[] = [];
  readonly left: (string | number)[][] = [];
  readonly #depth: number;

  constructor(depth: number) {
    this.#depth = depth;
  }

  visit(path: JsonPath) {
    return path.length < this.#depth ? ('enter' as const) : ('take' as const);
  }

  take(path: JsonPath, bytes: Buffer): void {
    this.taken.push({ path: [...path], value: JSON.parse(bytes.toString()) });
  }

  leave(path: JsonPath): void {
    this.left.push([...path]);
  }
}

function read(
  text: string,
  cuts: number[],
  visitor: JsonVisitor,
  options?: { mostValueBytes: number },
): void {
  const bytes = Buffer.from(text);
  const reader = new JsonReader(visitor, options);
  let start = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)) {
    // A buffer of its own that is overwritten afterwards, as a reader of a socket may do.
    const chunk = Buffer.from(bytes.subarray(start, cut));
    reader.push(chunk);
    chunk.fill(0x78);
    start = cut;
  }
  reader.end();
}

/** What lies at a depth in a value: leaves above it are only skipped. */
function leavesAt(
  value: unknown,
  depth: number,
  path: (string | number)[] = [],
): { path: (string | number)[]; value: unknown }[] {
  if (path.length === depth) return [{ path, value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    leavesAt(inner, depth, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

const cuts = fc.array(fc.nat({ max: 5000 }), { maxLength: 8 });

describe('JsonReader', () => {
  test('any value, cut anywhere -> what JSON.parse finds at each path', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 5 }),
        cuts,
        fc.nat({ max: 4 }),
        fc.constantFrom(0, 2),
        (value, at, depth, indent) => {
          const text = JSON.stringify(value, null, indent);
          const builder = new Builder(depth);
          read(text, at, builder);
          expect(builder.taken).toEqual(leavesAt(JSON.parse(text), depth));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('escapes in keys and strings, cut at every byte -> read as JSON reads them', () => {
    const text = String.raw`{"a\"b\\":{"\u00e9\n":["\\\"]}","x"]},"__proto__":{"k":[1]}}`;
    for (let cut = 0; cut <= Buffer.byteLength(text); cut += 1) {
      const builder = new Builder(3);
      read(text, [cut], builder);
      expect(builder.taken).toEqual([
        { path: ['a"b\\', 'é\n', 0], value: '\\"]}' },
        { path: ['a"b\\', 'é\n', 1], value: 'x' },
        { path: ['__proto__', 'k', 0], value: 1 },
      ]);
    }
  });

  test('entered containers -> their ends are told, inner ones first', () => {
    const builder = new Builder(9);
    read('{"a":[{},[]],"b":{}}', [], builder);
    expect(builder.left).toEqual([['a', 0], ['a', 1], ['a'], ['b'], []]);
  });

  test('something else than a container where one is entered -> skipped', () => {
    const builder = new Builder(2);
    read('{"a":null,"b":"]","c":12.5e3,"d":{"e":1}}', [], builder);
    expect(builder.taken).toEqual([{ path: ['d', 'e'], value: 1 }]);
  });

  test.each([
    '',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '[1,',
    '["',
    '{"a":1]',
    '[1}',
    '{1:2}',
    '{"a" 1}',
    '[,1]',
    '{}{}',
    '[1]x',
    '{"a":}',
  ])('broken or truncated: %j -> an error', (text) => {
    expect(() => read(text, [], new Builder(3))).toThrow(JsonReaderError);
  });

  test('a taken value above the bound -> an error, also when it comes in small pieces', () => {
    const text = `{"a":"${'x'.repeat(1000)}"}`;
    const everyTen = Array.from({ length: 100 }, (_, index) => index * 10);
    expect(() => read(text, [], new Builder(1), { mostValueBytes: 500 })).toThrow('larger than 500 bytes');
    expect(() => read(text, everyTen, new Builder(1), { mostValueBytes: 500 })).toThrow(
      'larger than 500 bytes',
    );
  });

  test('a skipped value above the bound -> skipped', () => {
    const visitor: JsonVisitor = {
      visit: (path) => (path.length === 0 ? 'enter' : 'skip'),
      take: () => {},
      leave: () => {},
    };
    expect(() => read(`{"a":"${'x'.repeat(1000)}"}`, [500], visitor, { mostValueBytes: 500 })).not.toThrow();
  });

  test('nested without end -> an error, not a stack overflow', () => {
    expect(() => read('['.repeat(100_000), [], new Builder(1_000_000))).toThrow('nested too deeply');
  });

  test('any bytes -> a value or a JsonReaderError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          const reader = new JsonReader({ visit: () => 'enter', take: () => {}, leave: () => {} });
          reader.push(Buffer.from(bytes));
          reader.end();
        } catch (error) {
          expect(error).toBeInstanceOf(JsonReaderError);
        }
      }),
    );
  });
});
