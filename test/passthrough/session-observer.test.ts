import { describe, expect, test } from 'vitest';
import { createModernSessions } from '../../src/caches/modern-sessions.ts';
import { createSessions } from '../../src/caches/sessions.ts';
import { createSessionObserver } from '../../src/passthrough/session-observer.ts';
import type { AccessToken, UserId } from '../../src/matrix/identifiers.ts';

const CLIENT = '/_matrix/client/v3/';

/** Whether alice's first and second session and bob's are still known after this was answered. */
function knownAfter(
  method: string,
  rawUrl: string,
  { status = 200, token = 'alice-1' }: { status?: number; token?: string | undefined } = {},
): boolean[] {
  const sessions = createSessions({ maxBytes: 1 << 16 });
  const tokens = ['alice-1', 'alice-2', 'bob'].map((name) => sessions.tokenKeyOf(name as AccessToken));
  for (const [i, tokenKey] of tokens.entries())
    sessions.note(sessions.ask(tokenKey, undefined), {
      userId: (i < 2 ? '@alice:test' : '@bob:test') as UserId,
      isGuest: false,
    });
  const observe = createSessionObserver({
    sessions,
    modernSessions: createModernSessions({ maxBytes: 1024 }),
  });
  const headers = token === '' ? [] : ['authorization', `Bearer ${token}`];
  observe({ method, rawUrl, headers, status });
  return tokens.map((tokenKey) => sessions.get(tokenKey, undefined) !== undefined);
}

const NOBODY = [true, true, true];
const OWN = [false, true, true];
const ALL_OF_USER = [false, false, true];

describe('what passes through', () => {
  test.each([
    { method: 'POST', path: 'logout', forgotten: OWN },
    { method: 'POST', path: 'logout?x=1', forgotten: OWN },
    { method: 'POST', path: 'logout/all', forgotten: ALL_OF_USER },
    { method: 'POST', path: 'account/password', forgotten: ALL_OF_USER },
    { method: 'POST', path: 'account/deactivate', forgotten: ALL_OF_USER },
    { method: 'POST', path: 'delete_devices', forgotten: ALL_OF_USER },
    { method: 'DELETE', path: 'devices/X', forgotten: ALL_OF_USER },
    { method: 'PUT', path: 'devices/X', forgotten: NOBODY },
    { method: 'GET', path: 'devices/X', forgotten: NOBODY },
    { method: 'HEAD', path: 'devices/X', forgotten: NOBODY },
    ...['OPTIONS', 'GET', 'HEAD', 'PUT'].flatMap((method) =>
      ['logout', 'logout/all', 'account/password', 'devices/X', 'delete_devices'].map((path) => ({
        method,
        path,
        forgotten: NOBODY,
      })),
    ),
  ])('$method $path -> forgets whose sessions it ends', ({ method, path, forgotten }) => {
    expect(knownAfter(method, CLIENT + path)).toEqual(forgotten);
    for (const prefix of ['r0', 'api/v1', 'v2_alpha'])
      expect(knownAfter(method, `/_matrix/client/${prefix}/${path}`)).toEqual(forgotten);
  });

  test.each(['logout', 'logout/all', 'account/password', 'delete_devices'])(
    'POST %s without a token, refused, or elsewhere -> nobody is forgotten',
    (path) => {
      expect(knownAfter('POST', CLIENT + path, { token: '' })).toEqual(NOBODY);
      for (const status of [302, 400, 403, 404, 500, 502])
        expect(knownAfter('POST', CLIENT + path, { status })).toEqual(NOBODY);
      expect(knownAfter('POST', `/_matrix/media/v3/x/${path}`)).toEqual(NOBODY);
      expect(knownAfter('POST', `/_matrix/key/${path}`)).toEqual(NOBODY);
      expect(knownAfter('POST', `/_matrix/client/v3/rooms/x/${path}`)).toEqual(NOBODY);
    },
  );

  test('a 401, on whatever path -> the homeserver is asked about that token again', () => {
    expect(knownAfter('GET', `${CLIENT}joined_rooms`, { status: 401 })).toEqual(OWN);
    expect(knownAfter('GET', `${CLIENT}joined_rooms`, { status: 401, token: 'junk' })).toEqual(NOBODY);
  });
});
