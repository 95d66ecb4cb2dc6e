import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonMembers } from '../../src/stream/json-members.ts';
import { OverriddenState } from '../../src/translate/overridden-state.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 4 });
const key = fc.record({ type: text, state_key: text });

function has(overridden: OverriddenState, json: string): boolean {
  const bytes = Buffer.from(json);
  const members = new JsonMembers();
  if (!members.find(bytes, 0)) throw new Error(`no object: ${json}`);
  return overridden.hasWritten(bytes, members);
}

describe('OverriddenState', () => {
  test('any types and state keys -> overridden where the timeline has the same, however they are written', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 8 }), key, fc.boolean(), (timeline, event, isEscaped) => {
        const overridden = new OverriddenState();
        for (const each of timeline) overridden.add(each, 'its text');
        const isThere = timeline.some(
          (each) => each.type === event.type && each.state_key === event.state_key,
        );
        expect(overridden.has(event)).toBe(isThere);
        const json = JSON.stringify({ sender: '@a:test', ...event, content: {} });
        const ascii = json.replaceAll(
          /[^\0-\x7f]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
        expect(has(overridden, isEscaped ? ascii : json)).toBe(isThere);
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
