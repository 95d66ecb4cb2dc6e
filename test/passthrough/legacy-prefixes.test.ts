import { describe, expect, test } from 'vitest';
import { createHomeserverPaths } from '../../src/passthrough/legacy-prefixes.ts';
import { SAME_PATHS } from '../../src/routes.ts';

const toHomeserverPath = createHomeserverPaths(SAME_PATHS);

const both = { hasR0: true, hasV3: true };
const modern = { hasR0: false, hasV3: true };
const old = { hasR0: true, hasV3: false };

describe('only the prefix changed -> it is rewritten', () => {
  test.each([
    ['GET', 'login'],
    ['POST', 'login'],
    ['POST', 'logout'],
    ['POST', 'createRoom'],
    ['POST', 'join/%23a%3Aexample.org'],
    ['POST', 'rooms/!a:example.org/leave'],
    ['POST', 'rooms/%21a%3Aexample.org/invite'],
    ['GET', 'rooms/!a/state'],
    ['GET', 'rooms/!a/state/m.room.name'],
    ['PUT', 'rooms/!a/state/m.room.name/'],
    ['PUT', 'rooms/!a:example.org/state/m.room.member/@u:example.org'],
    ['GET', 'rooms/!a/members'],
    ['GET', 'rooms/!a/messages?from=t1&dir=b&x=%zz'],
    ['PUT', 'rooms/!a/typing/@u'],
    ['PUT', 'rooms/!a/send/m.room.message/txn'],
    ['PUT', 'rooms/!a/redact/$e%2Ff/txn'],
    ['POST', 'rooms/!a/receipt/m.read/$e'],
    ['GET', 'profile/@u/displayname'],
    ['PUT', 'presence/@u/status'],
    ['GET', 'pushrules/'],
    ['PUT', 'pushrules/global/override/.m.rule.master/enabled'],
    ['GET', 'pushers'],
    ['POST', 'pushers/set'],
    ['PUT', 'directory/room/%23a%3Aexample.org'],
    ['GET', 'publicRooms?limit=1'],
    ['HEAD', 'publicRooms'],
    ['OPTIONS', 'createRoom'],
    ['GET', 'voip/turnServer'],
    ['POST', 'search'],
    ['POST', 'user/@u/filter'],
    ['GET', 'user/@u/filter/1'],
    ['PUT', 'user/@u/rooms/!a/tags/m.favourite'],
    ['POST', 'account/password'],
    ['POST', 'keys/upload/DEVICE'],
    ['DELETE', 'devices/DEVICE'],
  ])('%s %s', (method, rest) => {
    for (const prefix of ['api/v1', 'v2_alpha']) {
      const path = `/_matrix/client/${prefix}/${rest}`;
      expect(toHomeserverPath(method, path, both)).toBe(`/_matrix/client/v3/${rest}`);
      expect(toHomeserverPath(method, path, modern)).toBe(`/_matrix/client/v3/${rest}`);
      expect(toHomeserverPath(method, path, old)).toBe(`/_matrix/client/r0/${rest}`);
    }
  });
});

describe('anything else -> not a byte changes', () => {
  test.each([
    ['POST', '/_matrix/client/api/v1/register'],
    ['GET', '/_matrix/client/api/v1/register'],
    ['GET', '/_matrix/client/v2_alpha/sync'],
    ['GET', '/_matrix/client/api/v1/initialSync'],
    ['GET', '/_matrix/client/api/v1/events'],
    ['GET', '/_matrix/client/api/v1/rooms/!a/initialSync'],
    ['POST', '/_matrix/client/api/v1/rooms/!a/send/m.room.message'],
    ['POST', '/_matrix/client/api/v1/rooms/!a/redact/$e'],
    ['GET', '/_matrix/client/api/v1/rooms/!a/send/m.room.message/txn'],
    ['PUT', '/_matrix/client/api/v1/createRoom/txn'],
    ['PUT', '/_matrix/client/api/v1/join/!a/txn'],
    ['PUT', '/_matrix/client/api/v1/rooms/!a/join/txn'],
    ['GET', '/_matrix/client/api/v1/presence/list/@u'],
    ['GET', '/_matrix/client/api/v1/rooms/!a/members/@u'],
    ['DELETE', '/_matrix/client/api/v1/login'],
    ['POST', '/_matrix/client/api/v1/login/'],
    ['POST', '/_matrix/client/api/v1//login'],
    ['POST', '/_matrix/client/api/v1/rooms//join'],
    ['POST', '/_matrix/client/api/v1/%6Cogin'],
    ['POST', '/_matrix/client/api%2Fv1/login'],
    ['POST', '/_matrix/client/api/v2/login'],
    ['POST', '/_matrix/client/unstable/login'],
    ['GET', '/_matrix/media/r0/download/a/b'],
    ['GET', '/_matrix/client'],
    ['GET', '/x/_matrix/client/r0/login'],
  ])('%s %s', (method, path) => {
    for (const prefixes of [both, modern, old]) expect(toHomeserverPath(method, path, prefixes)).toBe(path);
  });
});

describe('r0', () => {
  test('the homeserver has it -> stays', () => {
    expect(toHomeserverPath('GET', '/_matrix/client/r0/sync', both)).toBe('/_matrix/client/r0/sync');
    expect(toHomeserverPath('GET', '/_matrix/client/r0/sync', old)).toBe('/_matrix/client/r0/sync');
  });

  test('the homeserver has only v3 -> v3, whatever the path and method', () => {
    expect(toHomeserverPath('GET', '/_matrix/client/r0/sync?a=%zz', modern)).toBe(
      '/_matrix/client/v3/sync?a=%zz',
    );
    expect(toHomeserverPath('BREW', '/_matrix/client/r0/x//y', modern)).toBe('/_matrix/client/v3/x//y');
  });

  test('the homeserver lists nothing -> v3, the only one that is left', () => {
    const none = { hasR0: false, hasV3: false };
    expect(toHomeserverPath('GET', '/_matrix/client/r0/login', none)).toBe('/_matrix/client/v3/login');
    expect(toHomeserverPath('GET', '/_matrix/client/api/v1/login', none)).toBe('/_matrix/client/v3/login');
  });
});

test('v3, where the homeserver has r0 alone -> r0; elsewhere it stays', () => {
  const path = '/_matrix/client/v3/refresh?x=%zz';
  expect(toHomeserverPath('POST', path, old)).toBe('/_matrix/client/r0/refresh?x=%zz');
  expect(toHomeserverPath('POST', path, both)).toBe(path);
  expect(toHomeserverPath('POST', path, { hasR0: false, hasV3: false })).toBe(path);
});
