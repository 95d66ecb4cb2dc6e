import { describe, expect, test } from 'vitest';
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
    const presences = createPresences({ maxBytes: 1000 });
    presences.note(mine, [presence('@a:test')]);
    presences.note(other, [presence('@a:test')]);
    expect([presences.toldTo(mine), presences.toldTo(other)]).toEqual([[], [presence('@a:test')]]);
  });
});
