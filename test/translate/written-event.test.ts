import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClientEvent } from '../../src/matrix/client-event.ts';
import { readWrittenEvents } from '../../src/translate/written-event.ts';
import { eventText } from '../support/generated-event-text.ts';
import { jsonText } from '../support/generated-json.ts';

const stringOrNone = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

describe('events of a page', () => {
  const page = fc
    .record({
      events: fc.array(eventText, { maxLength: 5 }),
      other: jsonText,
      gap: fc.constantFrom('', ' ', '\n'),
    })
    .chain(({ events, other, gap }) => {
      const chunk = `"chunk"${gap}:${gap}[${gap}${events.join(`${gap},${gap}`)}${gap}]`;
      return fc.record({
        events: fc.constant(events),
        text: fc.constantFrom(
          `{${chunk}}`,
          `{${chunk}${gap},${gap}"start":"a","end":"b","state":${other}}${gap}`,
          `${gap}{"end":"chunk","state":${other},${chunk}}`,
          String.raw`{"end":"b","\u0063hunk":[],"chunk":null,` + `${chunk}}`,
        ),
      });
    });

  test('any events, anywhere in an answer -> each once, in order, with its id and its type', () => {
    fc.assert(
      fc.property(page, ({ events, text }) => {
        const expected = events.map((each) => {
          const parsed = JSON.parse(each) as ClientEvent;
          return { type: stringOrNone(parsed.type) ?? '', event_id: stringOrNone(parsed.event_id), parsed };
        });
        const read = readWrittenEvents(Buffer.from(text));
        expect(
          read.map((event) => ({ type: event.type, event_id: event.event_id, parsed: event.parse() })),
        ).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('any page that is cut anywhere -> refused', () => {
    fc.assert(
      fc.property(page, fc.nat(), ({ text }, cut) => {
        const bytes = Buffer.from(text.trimEnd());
        expect(() => readWrittenEvents(bytes.subarray(0, cut % bytes.length))).toThrow();
      }),
      { numRuns: 300 },
    );
  });

  test('a page that is cut right behind an `end` of something inside -> refused', () => {
    const text = '{"chunk":[{"type":"t"}],"state":[{"type":"t","content":{"end":"x"}}],"end":"b"}';
    const cut = text.indexOf('"x"}') + 4;
    expect(() => readWrittenEvents(Buffer.from(text.slice(0, cut)))).toThrow('ends too early');
  });

  test.each([
    { name: 'an element that is no object', text: '{"chunk":[null]}' },
    { name: 'a chunk that is no list', text: '{"chunk":{}}' },
    { name: 'something behind the answer', text: '{"chunk":[]}}' },
    { name: 'something behind another answer', text: '{"start":"a","chunk":[]}{' },
    { name: 'a list', text: '[]' },
    { name: 'nothing', text: '' },
  ])('$name -> refused', ({ text }) => {
    expect(() => readWrittenEvents(Buffer.from(text))).toThrow(
      expect.objectContaining({ name: 'JsonReaderError' }),
    );
  });

  test.each(['{"chunk":[]}', '{"start":"a", "chunk" : [ ] }', '{"chunk":null}', '{"start":"a"}', '{}'])(
    '%s -> no events',
    (text) => {
      expect(readWrittenEvents(Buffer.from(text))).toEqual([]);
    },
  );
});
