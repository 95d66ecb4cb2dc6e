import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonMembers } from '../../src/stream/json-members.ts';
import { OverriddenState } from '../../src/translate/overridden-state.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 4 });
const key = fc.record({ type: text, state_key: text });

const escaped = (json: string): string =>
  json.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

function read(event: object, isEscaped = false): [Buffer, JsonMembers] {
  const json = JSON.stringify({ sender: '@a:test', ...event, content: {} });
  const bytes = Buffer.from(`..${isEscaped ? escaped(json) : json}`);
  const members = new JsonMembers();
  if (!members.find(bytes, 2)) throw new Error(`no object: ${json}`);
  return [bytes, members];
}

describe('OverriddenState', () => {
  test('any types and state keys -> overridden where the timeline has the same, however they are written', () => {
    const timeline = fc.array(fc.tuple(key, fc.boolean()), { maxLength: 8 });
    fc.assert(
      fc.property(timeline, key, fc.boolean(), (added, event, isEscaped) => {
        const overridden = new OverriddenState();
        for (const [each, is] of added) expect(overridden.add(...read(each, is))).toBe(true);
        const isThere = added.some(
          ([each]) => each.type === event.type && each.state_key === event.state_key,
        );
        expect(overridden.has(...read(event, isEscaped))).toBe(isThere);
        expect(overridden.isEmpty).toBe(added.length === 0);
      }),
      { numRuns: 500 },
    );
  });

  test('two events of one type and state key -> the later one is the latest', () => {
    const overridden = new OverriddenState();
    const events = ['a', 'b', 'a', 'c'.repeat(5000)].map((type) => ({ type, state_key: '' }));
    for (const event of events) overridden.add(...read(event));
    expect(events.map((event, i) => overridden.isLatest(...read(event), i))).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });

  test.each([
    { name: 'no state key', event: { type: 'a' } },
    { name: 'no type', event: { state_key: '' } },
    { name: 'a state key that is no string', event: { type: 'a', state_key: 7 } },
  ])('$name -> no state event', ({ event }) => {
    const overridden = new OverriddenState();
    overridden.add(...read({ type: 'a', state_key: '' }));
    expect(overridden.add(...read(event))).toBe(false);
    expect(overridden.has(...read(event))).toBe(false);
  });
});
