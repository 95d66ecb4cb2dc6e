import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClientEvent } from '../../src/matrix/client-event.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { ByteSink } from '../../src/stream/byte-sink.ts';
import { toLegacyEvent } from '../../src/translate/legacy-event.ts';
import { LegacyEventBytes, readWrittenEvents, type WrittenEvent } from '../../src/translate/written-event.ts';
import { clientEvent } from '../generated-events.ts';

const room = '!room "1":test' as RoomId;

function read(answer: unknown, indent = 0): WrittenEvent[] | undefined {
  return readWrittenEvents(Buffer.from(JSON.stringify(answer, null, indent)));
}

/** The legacy event; undefined where it was not written. */
function write(event: WrittenEvent): unknown {
  const sink = new ByteSink(16);
  const isWritten = new LegacyEventBytes(room).write(event, sink);
  const text = sink.drain().toString();
  expect(text === '').toBe(!isWritten);
  return isWritten ? JSON.parse(text) : undefined;
}

const byParsing = (event: ClientEvent) => toLegacyEvent(event, room, 0);

const plain = {
  type: 'm.room.message',
  sender: '@a"\\:test',
  content: { body: 'Zoë "Z" \\ 🦀', unsigned: { age: 1 }, event_id: '$no' },
  origin_server_ts: 5,
  event_id: '$1',
  room_id: room,
  unsigned: { age: 7, membership: 'join', transaction_id: 't' },
};

describe('events of a page', () => {
  test('any events, anywhere in an answer -> each once, in order, with its id and its type', () => {
    fc.assert(
      fc.property(
        fc.array(clientEvent, { maxLength: 5 }),
        fc.nat(2),
        fc.boolean(),
        (chunk, indent, isLast) => {
          const answer = isLast ? { start: 'a', end: 'chunk', chunk } : { chunk, start: 'a', end: 'b' };
          const events = read(answer, indent);
          const expected = (JSON.parse(JSON.stringify(chunk)) as ClientEvent[]).map((event) => ({
            type: typeof event.type === 'string' ? event.type : '',
            event_id: typeof event.event_id === 'string' ? event.event_id : undefined,
            parsed: event,
          }));
          // A page that is written in an odd way is left to the parser.
          if (events === undefined) return;
          expect(
            events.map((event) => ({ type: event.type, event_id: event.event_id, parsed: event.parse() })),
          ).toEqual(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each([
    { name: 'an element that is no object', text: '{"chunk":[null]}' },
    { name: 'a chunk that is no list', text: '{"chunk":{}}' },
    { name: 'no chunk', text: '{"start":"a"}' },
    { name: 'an escaped key', text: String.raw`{"chunk":[{"\u0074ype":"a"}]}` },
    { name: 'an answer that ends early', text: '{"chunk":[{"type":"a"},' },
    { name: 'nothing', text: '' },
  ])('$name -> left to the parser', ({ text }) => {
    expect(readWrittenEvents(Buffer.from(text))).toBeUndefined();
  });

  test.each(['{"chunk":[]}', '{"start":"a", "chunk" : [ ] }'])('%s -> no events', (text) => {
    expect(readWrittenEvents(Buffer.from(text)) ?? []).toEqual([]);
  });
});

describe('LegacyEventBytes', () => {
  test('any event -> what parsing gives, or nothing at all', () => {
    fc.assert(
      fc.property(
        clientEvent,
        fc.nat(2),
        fc.constantFrom(room, '!other:test', undefined),
        (event, indent, roomId) => {
          const given = roomId === undefined ? event : { ...event, room_id: roomId as RoomId };
          const [written] = read({ chunk: [given] }, indent) ?? [];
          const legacy = written && write(written);
          if (legacy !== undefined)
            expect(legacy).toEqual(byParsing(JSON.parse(JSON.stringify(given)) as ClientEvent));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('any plain event, keys in any order -> written, as parsing gives it', () => {
    const optional = { state_key: '', room_id: room };
    const unsigned = fc.record(
      {
        membership: fc.constant('join'),
        transaction_id: fc.string(),
        replaces_state: fc.constant('$0'),
        prev_content: fc.dictionary(fc.string(), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const { room_id: _, ...required } = plain;
    const event = fc
      .tuple(unsigned, fc.subarray(Object.entries(optional)))
      .chain(([some, more]) =>
        fc.shuffledSubarray([...Object.entries({ ...required, unsigned: { ...some, age: 7 } }), ...more], {
          minLength: Object.keys(required).length + more.length,
        }),
      )
      .map((entries) => Object.fromEntries(entries) as ClientEvent);
    fc.assert(
      fc.property(event, (given) => {
        const [written] = read({ chunk: [given] }) ?? [];
        if (written === undefined) throw new Error('not read');
        expect(write(written)).toEqual(byParsing(JSON.parse(JSON.stringify(given)) as ClientEvent));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    { name: 'no age', event: { ...plain, unsigned: {} } },
    { name: 'age null', event: { ...plain, unsigned: { age: null } } },
    { name: 'no unsigned', event: { ...plain, unsigned: undefined } },
    { name: 'unsigned null', event: { ...plain, unsigned: null } },
    { name: 'redacted', event: { ...plain, unsigned: { age: 1, redacted_because: { type: 'x' } } } },
    { name: 'relations', event: { ...plain, unsigned: { age: 1, 'm.relations': {} } } },
    { name: 'a redaction', event: { ...plain, type: 'm.room.redaction' } },
    { name: 'in the legacy format', event: { ...plain, user_id: '@a:test' } },
    { name: 'of another room', event: { ...plain, room_id: '!other:test' } },
    { name: 'no sender', event: { ...plain, sender: undefined } },
    { name: 'no type', event: { ...plain, type: undefined } },
  ])('$name -> nothing is written', ({ event }) => {
    const [written] = read({ chunk: [event] }) ?? [];
    if (written === undefined) throw new Error('not read');
    expect(write(written)).toBeUndefined();
  });

  test.each(['"unsigned":{"age":1},"sender"', '"room_id":"!no:test","sender"'])(
    'a key that comes twice: %s -> nothing is written',
    (key) => {
      const text = JSON.stringify({ chunk: [plain] }).replace('"sender"', key);
      const [written] = readWrittenEvents(Buffer.from(text)) ?? [];
      if (written === undefined) throw new Error('not read');
      expect(write(written)).toBeUndefined();
    },
  );
});
