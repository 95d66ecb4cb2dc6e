import { describe, expect, test, vi } from 'vitest';
import { createPresences } from '../../src/caches/presences.ts';
import type { SessionKey } from '../../src/caches/sessions.ts';

const [mine, other] = ['a', 'b'] as [SessionKey, SessionKey];
const presence = (user_id: string, state = 'online') => ({
  type: 'm.presence',
  content: { user_id, presence: state },
});

describe('presences', () => {
  test('of each user -> what was told last, and of no other session', () => {
    const presences = createPresences({ maxBytes: 1 << 16 });
    presences.note(mine, [presence('@a:test'), { type: 'm.typing', content: {} }, presence('@b:test')]);
    presences.note(mine, [presence('@a:test', 'unavailable')]);
    expect(presences.toldTo(mine)).toEqual([presence('@b:test'), presence('@a:test', 'unavailable')]);
    expect(presences.toldTo(other)).toEqual([]);
  });

  test('a presence of nobody -> left out', () => {
    const presences = createPresences({ maxBytes: 1 << 16 });
    presences.note(mine, [{ type: 'm.presence', content: { presence: 'online' } }, { type: 'm.presence' }]);
    expect(presences.toldTo(mine)).toEqual([]);
  });

  test('more users than a session may have -> those told longest ago are forgotten', () => {
    const presences = createPresences({ maxBytes: 1 << 24 });
    const users = Array.from({ length: 1002 }, (_, i) => presence(`@${i}:test`));
    presences.note(mine, users);
    expect(presences.toldTo(mine)).toEqual(users.slice(2));
  });

  test('more sessions than there is space for -> the one that was told longest ago is forgotten', () => {
    const presences = createPresences({ maxBytes: 2000 });
    presences.note(mine, [presence('@a:test')]);
    presences.note(other, [presence('@a:test')]);
    expect([presences.toldTo(mine), presences.toldTo(other)]).toEqual([[], [presence('@a:test')]]);
  });

  test('ten times the presences, one at a time -> ten times the work', () => {
    const workOf = (count: number): number => {
      const presences = createPresences({ maxBytes: 1 << 24 });
      const work = vi.spyOn(Map.prototype, 'set');
      for (let i = 0; i < count; i += 1) presences.note(mine, [presence(`@${i}:test`)]);
      const times = work.mock.calls.length;
      work.mockRestore();
      return times;
    };
    expect(workOf(20_000)).toBeLessThanOrEqual(10 * workOf(2000));
  });

  test('long status messages -> count for what they are', () => {
    const presences = createPresences({ maxBytes: 1 << 20 });
    const told = (status_msg: string) => ({
      type: 'm.presence',
      content: { user_id: '@a:test', status_msg },
    });
    presences.note(mine, [told('x'.repeat(10_000))]);
    expect(presences.bytes).toBeGreaterThan(20_000);
    presences.note(mine, [told('')]);
    expect(presences.bytes).toBeLessThan(2000);
  });
});
