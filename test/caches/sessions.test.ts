import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSessions, type Identity, type Masquerade, type Sessions } from '../../src/caches/sessions.ts';
import type { AccessToken, DeviceId, UserId } from '../../src/matrix/identifiers.ts';

const alice: Identity = { userId: '@alice:test' as UserId, deviceId: 'D' as DeviceId, isGuest: false };
const bob: Identity = { userId: '@bob:test' as UserId, isGuest: false };
const create = (maxBytes = 1 << 16) => createSessions({ maxBytes });

function learn(sessions: Sessions, token: string, identity = alice, masquerade?: Masquerade) {
  const tokenKey = sessions.tokenKeyOf(token as AccessToken);
  return sessions.note(sessions.ask(tokenKey, masquerade), identity);
}

function recall(sessions: Sessions, token: string, masquerade?: Masquerade) {
  return sessions.get(sessions.tokenKeyOf(token as AccessToken), masquerade);
}

describe('sessions', () => {
  test('a token -> an HMAC, another one in each process', () => {
    const sessions = create();
    const key = sessions.tokenKeyOf('syt_secret' as AccessToken);
    expect(key).toBe(sessions.tokenKeyOf('syt_secret' as AccessToken));
    expect(key).not.toContain('secret');
    expect(key).not.toBe(create().tokenKeyOf('syt_secret' as AccessToken));
  });

  test('one token, any users that its queries claim and the homeserver ignores -> one session', () => {
    const sessions = create();
    const keys = ['@x:test', '@y:test'].map(
      (userId) => learn(sessions, 'a', alice, { userId: userId as UserId }).key,
    );
    expect(new Set([...keys, learn(sessions, 'a').key]).size).toBe(1);
  });

  test('another token, user or device -> another session', () => {
    const sessions = create();
    const asBot = { userId: '@bot:test' as UserId };
    const keys = [
      learn(sessions, 'a').key,
      learn(sessions, 'b').key,
      learn(sessions, 'a', bob).key,
      learn(sessions, 'a', { ...alice, deviceId: 'E' as DeviceId }).key,
      learn(sessions, 'a', { ...bob, userId: asBot.userId }, asBot).key,
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('what was learnt -> is known for its time, and its session stays the same when it is learnt again', () => {
    const sessions = create();
    expect(recall(sessions, 'a')).toBeUndefined();
    const { key } = learn(sessions, 'a');
    expect(recall(sessions, 'a')).toMatchObject({ ...alice, key });
    expect(learn(sessions, 'a').key).toBe(key);
  });

  test.each([
    { change: 'end', isSameSession: false },
    { change: 'doubt', isSameSession: true },
  ] as const)('$change of a token -> it alone is not known', ({ change, isSameSession }) => {
    const sessions = create();
    const { key } = learn(sessions, 'a');
    learn(sessions, 'b', bob);
    sessions[change](sessions.tokenKeyOf('a' as AccessToken));
    expect(recall(sessions, 'a')).toBeUndefined();
    expect(recall(sessions, 'b')).toMatchObject(bob);
    expect(learn(sessions, 'a').key === key).toBe(isSameSession);
  });

  test.each(['endAllOfUser', 'doubtAllOfUser'] as const)(
    "%s -> none of the user's is known, everybody else's is",
    (change) => {
      const sessions = create();
      for (const token of ['a', 'b']) learn(sessions, token);
      learn(sessions, 'c', bob);
      sessions[change](sessions.tokenKeyOf('a' as AccessToken));
      expect(['a', 'b', 'c'].map((token) => recall(sessions, token) !== undefined)).toEqual([
        false,
        false,
        true,
      ]);
    },
  );

  test.each(['end', 'doubt', 'endAllOfUser', 'doubtAllOfUser'] as const)(
    '%s while the homeserver is asked whose token it is -> its answer is not remembered',
    (change) => {
      const sessions = create();
      learn(sessions, 'a');
      const tokenKey = sessions.tokenKeyOf('a' as AccessToken);
      const question = sessions.ask(tokenKey, undefined);
      sessions[change](tokenKey);
      const { key } = sessions.note(question, alice);
      expect(recall(sessions, 'a')).toBeUndefined();
      // What is remembered under its key meanwhile is nobody's.
      expect(learn(sessions, 'a').key).not.toBe(key);
    },
  );

  test('any order of events, in any little memory -> what has ended is never found again', () => {
    const token = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('learn' as const), token }),
      fc.record({ kind: fc.constant('end' as const), token }),
      fc.record({ kind: fc.constant('endAllOfUser' as const), token }),
      fc.record({ kind: fc.constant('doubt' as const), token }),
    );
    const userOf = (name: string): Identity => (name < 'c' ? alice : bob);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 4096, 1 << 16), (steps, maxBytes) => {
        const sessions = create(maxBytes);
        const ended = new Set<string>();
        const current = new Map<string, string>();
        for (const { kind, token: name } of steps) {
          const known = recall(sessions, name);
          if (known !== undefined) expect(ended.has(known.key)).toBe(false);
          if (kind === 'learn') {
            const { key } = learn(sessions, name, userOf(name));
            expect(ended.has(key)).toBe(false);
            current.set(name, key);
          } else {
            const isKnown = recall(sessions, name) !== undefined;
            sessions[kind](sessions.tokenKeyOf(name as AccessToken));
            expect(recall(sessions, name)).toBeUndefined();
            if (kind === 'doubt') continue;
            for (const [other, key] of current)
              if (other === name || (kind === 'endAllOfUser' && isKnown && userOf(other) === userOf(name)))
                ended.add(key);
          }
        }
        expect(sessions.bytes).toBeLessThanOrEqual(Math.max(maxBytes, 4096));
      }),
    );
  });
});
