import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteSink } from '../../src/stream/byte-sink.ts';
import { JsonMembers } from '../../src/stream/json-members.ts';
import { SplicedObject } from '../../src/translate/spliced-object.ts';

function without(object: SplicedObject, names: string[], separator = ''): string {
  const sink = new ByteSink(64);
  object.writeWithout(names, separator, sink);
  return sink.drain().toString();
}

const of = (text: string) => new SplicedObject(Buffer.from(text));

const keys = fc.oneof(
  fc.constantFrom('event_id', 'room_id', '__proto__', 'a'),
  fc.string({ maxLength: 5, unit: 'grapheme' }),
);

describe('SplicedObject', () => {
  test('any object -> the same without the named members, whether few or too many to be looked at', () => {
    fc.assert(
      fc.property(fc.dictionary(keys, fc.jsonValue()), fc.boolean(), (given, isLarge) => {
        const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`many${i}`, i]));
        const object = isLarge
          ? Object.fromEntries([...Object.entries(given), ...Object.entries(many)])
          : given;
        const kept = Object.entries(object).filter(([key]) => key !== 'event_id' && key !== 'room_id');
        const written = without(of(JSON.stringify(object)), ['event_id', 'room_id']);
        expect(JSON.parse(`{${written}}`)).toEqual(JSON.parse(JSON.stringify(Object.fromEntries(kept))));
      }),
    );
  });

  test.each([
    { text: '{"a":1,"b":2}', names: ['a'], expected: ',"b":2' },
    { text: '{ "a" : 1 , "b" : 2 }', names: ['b'], expected: ',"a" : 1' },
    { text: '{"a":1}', names: ['a'], expected: '' },
    { text: '{}', names: ['a'], expected: '' },
    { text: '{"\\u0061":1,"b":1e2}', names: ['a'], expected: ',"b":1e2' },
    { text: '{"a":1,"b":2,"a":3}', names: ['a'], expected: ',"b":2' },
  ])('$text without $names, behind a comma -> $expected', ({ text, names, expected }) => {
    expect(without(of(text), names, ',')).toBe(expected);
  });

  test.each([
    { text: '{"id":"$1"}', expected: '"$1"' },
    { text: '{"id":"$\\u0031\\/"}', expected: '"$1/"' },
    { text: '{"\\u0069d":"$1"}', expected: '"$1"' },
    { text: '{"id":"$1","id":"$2"}', expected: '"$2"' },
    { text: '{"id":null}', expected: undefined },
    { text: '{"x":"id"}', expected: undefined },
  ])('the string id of $text -> $expected', ({ text, expected }) => {
    expect(of(text).stringText('id')).toBe(expected);
  });

  test('one object among other bytes -> itself alone', () => {
    const bytes = Buffer.from('[1,{"id":"$1","a":2},3]');
    const members = new JsonMembers();
    members.find(bytes, 3);
    const object = new SplicedObject(bytes, members);
    expect(object.bytes.toString()).toBe('{"id":"$1","a":2}');
    expect(without(object, ['id'])).toBe('"a":2');
  });

  test.each(['null', '[]', '3', '"x"', '{', ''])('what is no object (%s) -> throws', (text) => {
    expect(() => of(text)).toThrow();
  });
});
