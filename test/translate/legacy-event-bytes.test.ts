import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClientEvent } from '../../src/matrix/client-event.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { ByteSink } from '../../src/stream/byte-sink.ts';
import { JsonMembers } from '../../src/stream/json-members.ts';
import { LegacyEventBytes, type LegacyEventOptions } from '../../src/translate/legacy-event-bytes.ts';
import { toLegacyEvent } from '../../src/translate/legacy-event.ts';
import { readWrittenEvents } from '../../src/translate/written-event.ts';
import { clientEvent } from '../support/generated-events.ts';
import { eventText } from '../support/generated-event-text.ts';
import { exactly } from '../support/generated-json.ts';

const room = '!room:test' as RoomId;
const nowMs = 10_000;

const options: fc.Arbitrary<LegacyEventOptions> = fc.record(
  {
    isRaw: fc.boolean(),
    withoutUnsigned: fc.subarray<'membership' | 'transaction_id'>(['membership', 'transaction_id']),
  },
  { requiredKeys: [] },
);

/** The text of the legacy event, which must come out the same by each of the three ways to write it. */
function write(text: string, given: LegacyEventOptions = {}, roomId = room, at = nowMs): string {
  const events = new LegacyEventBytes(roomId, at, given);
  const bytes = Buffer.from(`..${text}..`);
  const sink = new ByteSink(16);
  expect(events.writeAt(bytes, 2, sink)).toBe(bytes.length - 2);
  const written = sink.drain().toString();
  const members = new JsonMembers();
  members.find(bytes, 2);
  events.write(bytes, members, sink);
  expect(sink.drain().toString()).toBe(written);
  const [event] = readWrittenEvents(Buffer.from(`{"chunk":[${text}]}`));
  if (event === undefined) throw new Error('the event is not in the page');
  events.writeEvent(event, sink);
  expect(exactly(sink.drain().toString())).toEqual(exactly(written));
  return written;
}

const byParsing = (text: string, given?: LegacyEventOptions) =>
  toLegacyEvent(JSON.parse(text) as ClientEvent, room, nowMs, given);

/** What is no object gives way to one. */
const withoutRedacts = (content: unknown): unknown =>
  typeof content === 'object' && !Array.isArray(content) && !Object.hasOwn(content ?? {}, 'spelled')
    ? { ...content, redacts: undefined }
    : { redacts: undefined };

describe('LegacyEventBytes', () => {
  test('any event, written in any way -> what parsing gives', () => {
    fc.assert(
      fc.property(eventText, options, (text, given) => {
        expect(JSON.parse(write(text, given))).toEqual(byParsing(text, given));
      }),
      { numRuns: 1000 },
    );
  });

  test('any event as a homeserver sends it, indented or not -> what parsing gives', () => {
    fc.assert(
      fc.property(clientEvent, fc.nat(2), options, (event, indent, given) => {
        const text = JSON.stringify(event, null, indent);
        expect(JSON.parse(write(text, given))).toEqual(byParsing(text, given));
      }),
      { numRuns: 400 },
    );
  });

  test('any event -> its content and all else that is not ours has every number as it was spelled', () => {
    fc.assert(
      fc.property(eventText, options, (text, given) => {
        const before = exactly(text) as ClientEvent;
        const after = exactly(write(text, given)) as ClientEvent;
        const ours = ['room_id', 'user_id', 'age', 'redacts', 'redacted_because', 'unsigned', 'content'];
        const copied = ['prev_content', 'replaces_state', 'invite_room_state', 'knock_room_state'];
        const theirs = Object.keys(before).filter((key) => ![...ours, ...copied].includes(key));
        for (const key of theirs) expect(after[key]).toEqual(before[key]);
        if (before.type === 'm.room.redaction' && after['redacts'] !== undefined && given.isRaw !== true)
          expect(withoutRedacts(after.content)).toEqual(withoutRedacts(before.content));
        else expect(after.content).toEqual(before.content);
        const unsigned = before.unsigned as unknown;
        const of = typeof unsigned === 'object' && !Array.isArray(unsigned) ? before.unsigned : undefined;
        for (const key of copied) {
          expect(after.unsigned?.[key]).toEqual(of?.[key]);
          const onTop = given.isRaw === true ? before[key] : (of?.[key] ?? before[key]);
          if (of?.[key] !== null) expect(after[key]).toEqual(onTop);
        }
      }),
      { numRuns: 600 },
    );
  });

  test('an event that is in the legacy format already -> the same, whenever it is written again', () => {
    fc.assert(
      fc.property(eventText, options, (text, given) => {
        const once = write(text, given);
        expect(exactly(write(once, given, room, nowMs + 5000))).toEqual(exactly(once));
      }),
      { numRuns: 300 },
    );
  });

  test('one writer for many events -> none leaves anything in the next', () => {
    fc.assert(
      fc.property(fc.array(eventText, { maxLength: 5 }), (texts) => {
        const events = new LegacyEventBytes(room, nowMs);
        for (const text of texts) {
          const sink = new ByteSink(16);
          events.writeAt(Buffer.from(text), 0, sink);
          expect(sink.drain().toString()).toBe(write(text));
        }
      }),
    );
  });

  test.each(['9007199254740993', '21.0', '-0.0', '-0', '1e2', '1E+2', '0.10'])(
    'the number %s -> as it is spelled, in the content, the content before and the age',
    (number) => {
      const written = write(
        `{"type":"t","content":{"n":${number}},"unsigned":{"age":${number},"prev_content":{"n":[${number}]}}}`,
      );
      const spelled = { spelled: number };
      expect(exactly(written)).toMatchObject({
        content: { n: spelled },
        prev_content: { n: [spelled] },
        age: spelled,
        unsigned: { age: spelled, prev_content: { n: [spelled] } },
      });
    },
  );

  // Differs: power-levels-have-users
  test.each([
    { content: '{}', expected: '{"users":{}}' },
    { content: '{"ban":50.0}', expected: '{"ban":50.0,"users":{}}' },
    { content: '{"users":null,"ban":50}', expected: '{"ban":50,"users":{}}' },
    { content: '{"users":{"@a:test":100.0},"ban":50}', expected: '{"users":{"@a:test":100.0},"ban":50}' },
    { content: '"none"', expected: '"none"' },
  ])('power levels $content -> $expected, in each way to write them', ({ content, expected }) => {
    const text = `{"type":"m.room.power_levels","state_key":"","sender":"@a:test","content":${content},"unsigned":{"age":1}}`;
    const written = write(text);
    expect(written).toContain(`"content":${expected}`);
    expect(JSON.parse(written)).toEqual(byParsing(text));
    expect(write(text, { isRaw: true })).toContain(`"content":${content}`);
  });

  const redactions = (levels: number): string => {
    let event = '{"type":"m.room.redaction","content":{}}';
    for (let level = 0; level < levels; level += 1)
      event = `{"type":"m.room.redaction","content":{},"unsigned":{"age":1,"redacted_because":${event}}}`;
    return event;
  };

  test('redactions in redactions -> the first one has the legacy form, those inside it are as they came', () => {
    const written = JSON.parse(write(redactions(3))) as ClientEvent;
    const inner = written.unsigned?.redacted_because;
    expect(written).toMatchObject({ redacted_because: inner });
    expect(inner).toMatchObject({ room_id: room, age: 1 });
    expect(inner).not.toHaveProperty('redacted_because');
    expect(inner?.unsigned?.redacted_because).toEqual(JSON.parse(redactions(1)));
  });

  test('a thousand redactions in each other -> about twice as long as they came', () => {
    const text = redactions(1000);
    expect(write(text).length).toBeLessThan(2 * text.length + 1000);
  });

  test('a content that is nested a hundred thousand levels deep -> copied', () => {
    const content = `${'{"a":['.repeat(100_000)}1${']}'.repeat(100_000)}`;
    const sink = new ByteSink(16);
    new LegacyEventBytes(room, nowMs).writeAt(Buffer.from(`{"type":"t","content":${content}}`), 0, sink);
    expect(sink.drain().toString()).toBe(
      `{"type":"t","content":${content},"room_id":"${room}","unsigned":{}}`,
    );
  });

  test.each(['null', '7', '[]', '"x"', '{"a"}', '{"a":1', String.raw`{"\x":1}`, '{"unsigned":{"a"}}'])(
    'what is no event, or is cut: %s -> refused',
    (text) => {
      expect(() => new LegacyEventBytes(room, nowMs).writeAt(Buffer.from(text), 0, new ByteSink(16))).toThrow(
        expect.objectContaining({ name: 'JsonReaderError' }),
      );
    },
  );
});
