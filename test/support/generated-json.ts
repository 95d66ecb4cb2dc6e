// Generated JSON as text: numbers in every spelling, strings with escapes where none are needed, keys that come twice,
// white space. Whoever parses it and writes it anew gives another text.

import fc from 'fast-check';

export const numberText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '9007199254740993',
    '21.0',
    '-0.0',
    '-0',
    '1e2',
    '1E+2',
    '0.10',
    '1e400',
    '12345678901234567890',
  ),
  fc.integer().map(String),
);

/**
 * A string as JSON text, with some of its units escaped; one of a single unit is not, as V8 14 may read a key that is one
 * escaped character as a backslash: `JSON.parse('{"":1,"\\u0020":2}')` gives `{"": 1, "\\\\": 2}` once it is compiled.
 */
export function stringText(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(text, fc.nat(7)).map(([value, mask]) => {
    const units = Array.from({ length: value.length }, (_, i) =>
      (mask >> (i % 3)) & 1 && mask > 3 && value.length > 1
        ? `\\u${value.charCodeAt(i).toString(16).padStart(4, '0')}`
        : JSON.stringify(value.charAt(i)).slice(1, -1),
    );
    // Of a character that is two units, both are escaped or none.
    const written = `"${units.join('')}"`;
    return written.isWellFormed() && JSON.parse(written) === value ? written : JSON.stringify(value);
  });
}

const space = fc.constantFrom('', '', '', ' ', '\n\t');

/** Members → an object as text, in that order. */
export function objectText(
  members: fc.Arbitrary<readonly (readonly [key: string, value: string])[]>,
): fc.Arbitrary<string> {
  return fc
    .tuple(members, space)
    .map(
      ([list, gap]) => `{${gap}${list.map(([key, value]) => `${key}${gap}:${gap}${value}${gap}`).join(',')}}`,
    );
}

const someString = fc.string({ unit: 'grapheme', maxLength: 4 });
const someKey = fc.oneof(
  someString,
  fc.constantFrom('__proto__', 'content', 'type', 'redacts', 'age', 'unsigned', 'event_id'),
);

/** Any JSON value as text. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    numberText,
    stringText(someString),
    fc.constantFrom('null', 'true', 'false'),
    tie('object'),
    fc
      .tuple(fc.array(tie('value'), { maxLength: 3 }), space)
      .map(([list, gap]) => `[${gap}${list.join(`,${gap}`)}]`),
  ),
  object: objectText(fc.array(fc.tuple(stringText(someKey), tie('value')), { maxLength: 4 })),
})).value;

/** An object with any members as text. */
export const anyObjectText: fc.Arbitrary<string> = objectText(
  fc.array(fc.tuple(stringText(someKey), jsonText), { maxLength: 4 }),
);

/** The value that a text is, with its numbers as they are spelled. */
export function exactly(text: string): unknown {
  const spelled = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' ? { spelled: context?.source } : value;
  return JSON.parse(text, spelled as (key: string, value: unknown) => unknown);
}
