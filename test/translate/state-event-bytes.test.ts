import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClientEvent } from '../../src/matrix/client-event.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { ByteSink } from '../../src/stream/byte-sink.ts';
import { JsonMembers } from '../../src/stream/json-members.ts';
import { toLegacyEvent } from '../../src/translate/legacy-event.ts';
import { OverriddenState } from '../../src/translate/overridden-state.ts';
import { StateEventBytes } from '../../src/translate/state-event-bytes.ts';
import { clientEvent } from '../generated-events.ts';

const room = '!room "1":test' as RoomId;

function write(text: string, overridden = new OverriddenState()) {
  const bytes = Buffer.from(`..${text}..`);
  const members = new JsonMembers();
  if (!members.find(bytes, 2)) throw new Error(`no object: ${text}`);
  const sink = new ByteSink(16);
  const written = new StateEventBytes(room, overridden).write(bytes, members, false, sink);
  return { written, text: sink.drain().toString() };
}

const byParsing = (event: ClientEvent) =>
  toLegacyEvent(event, room, 0, { withoutUnsigned: ['membership', 'transaction_id'] });

const plain = {
  type: 'm.room.member',
  sender: '@a"\\:test',
  content: { membership: 'join', displayname: 'Zoë "Z" \\ 🦀' },
  state_key: '@a:test',
  origin_server_ts: 5,
  event_id: '$1',
};

describe('StateEventBytes', () => {
  test('any event, written in any way -> what parsing gives, or nothing at all', () => {
    fc.assert(
      fc.property(clientEvent, fc.nat(2), (event, indent) => {
        const text = JSON.stringify(event, null, indent);
        const { written, text: legacy } = write(text);
        if (written === 'not plain') expect(legacy).toBe('');
        else expect(JSON.parse(legacy)).toEqual(byParsing(JSON.parse(text) as ClientEvent));
      }),
      { numRuns: 2000 },
    );
  });

  const unsigned = fc.record(
    {
      membership: fc.constant('join'),
      transaction_id: fc.string(),
      replaces_state: fc.constant('$0'),
      prev_content: fc.dictionary(fc.string(), fc.jsonValue()),
      prev_sender: fc.string({ unit: 'grapheme' }),
    },
    { requiredKeys: [] },
  );

  test('any plain state event, keys in any order -> written, as parsing gives it', () => {
    const shuffled = (value: object) =>
      fc
        .shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length })
        .map((entries) => Object.fromEntries(entries) as ClientEvent);
    const anyOrder = unsigned
      .chain((some) => shuffled({ ...some, age: 7 }))
      .chain((all) => shuffled({ ...plain, unsigned: all }));
    fc.assert(
      fc.property(anyOrder, (event) => {
        const json = JSON.stringify(event);
        const { written, text } = write(json);
        expect(written).toBe('written');
        expect(JSON.parse(text)).toEqual(byParsing(JSON.parse(json) as ClientEvent));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    { name: 'no age', event: { ...plain, unsigned: {} } },
    { name: 'age null', event: { ...plain, unsigned: { age: null } } },
    { name: 'no unsigned', event: plain },
    { name: 'unsigned null', event: { ...plain, unsigned: null } },
    { name: 'redacted', event: { ...plain, unsigned: { age: 1, redacted_because: { type: 'x' } } } },
    { name: 'relations', event: { ...plain, unsigned: { age: 1, 'm.relations': {} } } },
    { name: 'a redaction', event: { ...plain, type: 'm.room.redaction', unsigned: { age: 1 } } },
    { name: 'in the legacy format', event: { ...plain, user_id: '@a:test', unsigned: { age: 1 } } },
    { name: 'no sender', event: { ...plain, sender: undefined, unsigned: { age: 1 } } },
    { name: 'no state key', event: { ...plain, state_key: undefined, unsigned: { age: 1 } } },
    { name: 'a state key that is no string', event: { ...plain, state_key: null, unsigned: { age: 1 } } },
  ])('$name -> not plain, nothing is written', ({ event }) => {
    expect(write(JSON.stringify(event))).toEqual({ written: 'not plain', text: '' });
  });

  test.each([String.raw`"send\u0065r"`, '"unsigned":{"age":1},"sender"'])(
    'a key that is escaped or comes twice: %s -> not plain',
    (key) => {
      const text = JSON.stringify({ ...plain, unsigned: { age: 1 } }).replace('"sender"', key);
      expect(write(text).written).toBe('not plain');
    },
  );
});

describe('OverriddenState', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 4 });
  const key = fc.record({ type: text, state_key: text });

  test('any types and state keys -> overridden where the timeline has the same, however they are written', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 8 }), key, fc.boolean(), (timeline, event, isEscaped) => {
        const overridden = new OverriddenState();
        for (const each of timeline) overridden.add(each, 'its text');
        const isThere = timeline.some(
          (each) => each.type === event.type && each.state_key === event.state_key,
        );
        expect(overridden.has(event)).toBe(isThere);
        const json = JSON.stringify({ ...plain, ...event, unsigned: { age: 1 } });
        const ascii = json.replaceAll(
          /[^\0-\x7f]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
        expect(write(isEscaped ? ascii : json, overridden).written).toBe(isThere ? 'overridden' : 'written');
      }),
      { numRuns: 500 },
    );
  });

  test('two events of one type and state key -> the later one, where the first one stood', () => {
    const overridden = new OverriddenState();
    overridden.add({ type: 'a', state_key: '' }, '1');
    overridden.add({ type: 'b', state_key: '' }, '2');
    overridden.add({ type: 'a', state_key: '' }, '3');
    expect([...overridden.texts()]).toEqual(['3', '2']);
  });
});
