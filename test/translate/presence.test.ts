import { describe, expect, test } from 'vitest';
import type { UserId } from '../../src/matrix/identifiers.ts';
import { isOffline, toLegacyPresence } from '../../src/translate/presence.ts';
import { deepFreeze } from '../support/generated-sync.ts';

const sender = '@a:test' as UserId;

describe('toLegacyPresence', () => {
  test('a presence event -> its user is named in the content, and there is no sender', () => {
    const event = deepFreeze({
      type: 'm.presence',
      sender,
      content: { presence: 'online', status_msg: 'hi' },
    });
    expect(toLegacyPresence(event)).toEqual({
      type: 'm.presence',
      content: { presence: 'online', status_msg: 'hi', user_id: sender },
    });
  });

  test.each([
    { name: 'no content', event: { type: 'm.presence', sender }, content: { user_id: sender } },
    {
      name: 'no sender',
      event: { type: 'm.presence', content: { user_id: sender } },
      content: { user_id: sender },
    },
    { name: 'neither', event: { type: 'm.presence' }, content: {} },
  ])('$name -> what is there', ({ event, content }) => {
    expect(toLegacyPresence(event)).toEqual({ type: 'm.presence', content });
  });
});

describe('isOffline', () => {
  test.each([
    { presence: 'offline', expected: true },
    { presence: 'unavailable', expected: false },
    { presence: 'online', expected: false },
    { presence: undefined, expected: false },
  ])('$presence -> $expected', ({ presence, expected }) => {
    expect(isOffline({ type: 'm.presence', content: { presence } })).toBe(expected);
  });

  test('no content -> false', () => {
    expect(isOffline({ type: 'm.presence' })).toBe(false);
  });
});
