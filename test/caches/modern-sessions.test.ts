import { describe, expect, test } from 'vitest';
import { createModernSessions } from '../../src/caches/modern-sessions.ts';
import type { TokenKey } from '../../src/caches/sessions.ts';

const [one, two, three] = ['1', '2', '3'] as unknown as [TokenKey, TokenKey, TokenKey];

describe('modern sessions', () => {
  test('a session that was noted -> is one, and is new once, however often it is noted', () => {
    const sessions = createModernSessions({ maxBytes: 1024 });
    expect(sessions.has(one)).toBe(false);
    expect(sessions.isNew(one)).toBe(false);
    sessions.note(one);
    expect(sessions.has(one)).toBe(true);
    expect(sessions.isNew(one)).toBe(true);
    sessions.note(one);
    expect(sessions.isNew(one)).toBe(false);
    expect(sessions.has(two)).toBe(false);
  });

  test('more than there is space for -> the oldest is forgotten', () => {
    const sessions = createModernSessions({ maxBytes: 512 });
    for (const session of [one, two, three]) sessions.note(session);
    expect([one, two, three].map(sessions.has)).toEqual([false, true, true]);
  });

  test('after its logout -> it is none any more', () => {
    const sessions = createModernSessions({ maxBytes: 1024 });
    sessions.note(one);
    sessions.forget(one);
    expect([sessions.has(one), sessions.bytes]).toEqual([false, 0]);
  });
});
