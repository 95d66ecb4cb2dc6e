import { describe, expect, test } from 'vitest';
import { createSessions } from '../../src/caches/sessions.ts';
import type { AccessToken, DeviceId, UserId } from '../../src/matrix/identifiers.ts';

const accessToken = 'syt_secret' as AccessToken;
const alice = { userId: '@alice:test' as UserId, isGuest: false };
const create = (maxBytes = 1 << 16) => createSessions({ maxBytes });

describe('sessions', () => {
  test('a key -> the same for the same access token, and nothing of the token is in it', () => {
    const sessions = create();
    expect(sessions.keyOf(accessToken)).toBe(sessions.keyOf(accessToken));
    expect(sessions.keyOf(accessToken)).not.toContain('secret');
  });

  test('another token, another masquerade, another process -> another key', () => {
    const sessions = create();
    const userId = '@bot:test' as UserId;
    const deviceId = 'D' as DeviceId;
    const keys = [
      sessions.keyOf(accessToken),
      sessions.keyOf('other' as AccessToken),
      sessions.keyOf(accessToken, { userId }),
      sessions.keyOf(accessToken, { deviceId }),
      sessions.keyOf(accessToken, { userId, deviceId }),
      // As if one could be written as the other.
      sessions.keyOf(`${accessToken}@bot:test` as AccessToken),
      create().keyOf(accessToken),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('what was set -> is known until it is forgotten', () => {
    const sessions = create();
    const key = sessions.keyOf(accessToken);
    expect(sessions.get(key)).toBeUndefined();
    sessions.set(key, alice);
    expect(sessions.get(key)).toEqual(alice);
    sessions.forget(key);
    expect(sessions.get(key)).toBeUndefined();
  });

  test('forgetAll -> nobody is known', () => {
    const sessions = create();
    const keys = ['a', 'b'].map((token) => sessions.keyOf(token as AccessToken));
    for (const key of keys) sessions.set(key, alice);
    sessions.forgetAll();
    expect(keys.map((key) => sessions.get(key))).toEqual([undefined, undefined]);
  });

  test('more than there is space for -> the one that was not used is forgotten', () => {
    const sessions = create(1024);
    const keys = ['a', 'b', 'c'].map((token) => sessions.keyOf(token as AccessToken));
    sessions.set(keys[0] as never, alice);
    sessions.set(keys[1] as never, alice);
    sessions.get(keys[0] as never);
    sessions.set(keys[2] as never, alice);
    expect(keys.map((key) => sessions.get(key) !== undefined)).toEqual([true, false, true]);
  });
});
