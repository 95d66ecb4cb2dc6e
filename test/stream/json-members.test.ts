import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonMembers } from '../../src/stream/json-members.ts';

/** What it found, as text: the members' keys and values. */
function membersOf(bytes: Buffer, members: JsonMembers): [string, string][] {
  return Array.from({ length: members.count }, (_, member) => [
    bytes.toString('utf8', members.keyStart(member), members.keyEnd(member)),
    bytes.toString('utf8', members.valueStart(member), members.valueEnd(member)),
  ]);
}

const anObject = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.jsonValue(), { maxKeys: 6 });

describe('JsonMembers', () => {
  test('any object, anywhere among other bytes -> its end, and each member where it is', () => {
    const members = new JsonMembers();
    fc.assert(
      fc.property(anObject, fc.nat(2), fc.string(), fc.string(), (value, indent, before, after) => {
        const text = JSON.stringify(value, null, indent);
        const start = Buffer.byteLength(before);
        const bytes = Buffer.from(before + text + after);
        expect(members.find(bytes, start)).toBe(true);
        expect(bytes.toString('utf8', members.start, members.end)).toBe(text);
        const found = membersOf(bytes, members).map(([key, inner]) => [JSON.parse(key), JSON.parse(inner)]);
        expect(found).toEqual(Object.entries(JSON.parse(text) as object));
      }),
    );
  });

  test('any object that is cut off anywhere -> not found', () => {
    const members = new JsonMembers();
    fc.assert(
      fc.property(anObject, fc.nat(), (value, cut) => {
        const bytes = Buffer.from(JSON.stringify(value));
        expect(members.find(bytes.subarray(0, cut % bytes.length), 0)).toBe(false);
      }),
    );
  });

  test.each(['[1]', '"x"', '7', 'null', '{"a" 1}', '{a:1}', '{"a":1 "b":2}', '{,}', '{"a":1,}'])(
    'no object, or none that is well-formed at its own level: %s -> not found',
    (text) => {
      expect(new JsonMembers().find(Buffer.from(text), 0)).toBe(false);
    },
  );

  const withMembers = (count: number) =>
    Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, i]))));

  test('as many members as an event can have -> all are found', () => {
    const members = new JsonMembers();
    expect(members.find(withMembers(65_536), 0)).toBe(true);
    expect(membersOf(withMembers(65_536), members).at(-1)).toEqual(['"key65535"', '65535']);
  });

  test('more members than an event can have -> not found', () => {
    expect(new JsonMembers().find(withMembers(65_537), 0)).toBe(false);
  });

  test.each([
    { text: String.raw`{"a\u0062":1}`, isEscaped: true },
    { text: String.raw`{"ab":"\u0062"}`, isEscaped: false },
    { text: '{}', isEscaped: false },
  ])('$text -> a key is written with an escape: $isEscaped', ({ text, isEscaped }) => {
    const members = new JsonMembers();
    members.find(Buffer.from(text), 0);
    expect(members.hasEscapedKey).toBe(isEscaped);
  });
});
