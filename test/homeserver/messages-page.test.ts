import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessagesPage } from '../../src/homeserver/messages-page.ts';
import type { MessagesResponse } from '../../src/matrix/sync.ts';

const page = (text: string) => new MessagesPage(Buffer.from(text));
const endOf = (text: string) => page(text).end;

describe('the end of a page', () => {
  test('any object, members in any order, written in any way -> what parsing gives', () => {
    // Texts that look like the end of an answer, inside of it.
    const trap = fc.constantFrom('"end":"no"}', ',"end":"no"', '\\","end":"no"', '\\', '"', '{"end":"no"}');
    const text = fc.oneof(trap, fc.string({ unit: 'grapheme' }));
    const inner = fc.record({ type: fc.constant('m'), end: text, start: text }, { requiredKeys: ['type'] });
    const members = fc.record(
      {
        chunk: fc.array(inner, { maxLength: 3 }),
        start: text,
        end: fc.option(text),
        state: fc.array(inner, { maxLength: 2 }),
        [',"end']: text,
        'end"': text,
      },
      { requiredKeys: [] },
    );
    const answer = members.chain((all) =>
      fc
        .shuffledSubarray(Object.entries(all), { minLength: Object.keys(all).length })
        .map((entries) => Object.fromEntries(entries) as MessagesResponse),
    );
    fc.assert(
      fc.property(answer, fc.nat(2), (value, indent) => {
        const read = page(JSON.stringify(value, null, indent));
        expect(read.end).toBe(value.end ?? undefined);
        expect(read.start).toBe(value.start);
        expect(read.events).toHaveLength(value.chunk?.length ?? 0);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    { text: '{"chunk":[],"end":"t1"}', end: 't1' },
    { text: '{"chunk":[],"start":"t0","end":"t1"}\n', end: 't1' },
    { text: '{"chunk":[],"end":"t1","start":"t0"}', end: 't1' },
    { text: '{"end":"t1","chunk":[{"end":"no"}]}', end: 't1' },
    { text: '{"end":"t0","chunk":[],"end":"t1"}', end: 't1' },
    { text: '{"chunk":[],"end":"t1","end":null}', end: undefined },
    { text: String.raw`{"chunk":[],"\u0065nd":"t1"}`, end: 't1' },
    { text: String.raw`{"chunk":[],"end":"\u0074\"1"}`, end: 't"1' },
    { text: `{"end":"t1","start":"${'x'.repeat(2000)}"}`, end: 't1' },
    { text: '{}', end: undefined },
  ])('$text -> $end', ({ text, end }) => {
    expect(endOf(text)).toBe(end);
  });

  test.each(['', 'null', '{"chunk":[', '{"chunk":[{"type":"m.room.mess"gar', '{"chunk":[],"end":7}'])(
    '%s, no page -> a 502',
    (text) => {
      expect(() => endOf(text)).toThrow(expect.objectContaining({ status: 502 }));
    },
  );

  test('a page that is cut right behind an `end` of something inside -> a 502, when its events are read', () => {
    const text = '{"chunk":[{"type":"t"}],"state":[{"type":"t","content":{"end":"x"}}],"end":"b"}';
    const cut = page(text.slice(0, text.indexOf('"x"}') + 4));
    expect(() => cut.events).toThrow(expect.objectContaining({ status: 502 }));
  });
});
