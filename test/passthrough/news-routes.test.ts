import { describe, expect, test } from 'vitest';
import { newsOf } from '../../src/passthrough/news-routes.ts';

const room = '!r:hs.test';
const escaped = encodeURIComponent(room);

describe('a request that makes news', () => {
  test.each([
    ['PUT', `rooms/${escaped}/send/m.room.message/txn`],
    ['PUT', `rooms/${escaped}/send/m.room.message/txn?ts=1`],
    ['PUT', `rooms/${room}/send/m.room.message/txn`],
    ['POST', `rooms/${escaped}/send/m.room.message`],
    ['PUT', `rooms/${escaped}/state/m.room.topic`],
    ['PUT', `rooms/${escaped}/state/m.room.topic/`],
    ['PUT', `rooms/${escaped}/state/x/${encodeURIComponent('@a:b/c')}`],
    ['PUT', `rooms/${escaped}/redact/$e/txn`],
    ['POST', `rooms/${escaped}/redact/$e`],
    ...['join', 'leave', 'invite', 'kick', 'ban', 'unban', 'upgrade'].map((action) => [
      'POST',
      `rooms/${escaped}/${action}`,
    ]),
    ['POST', `join/${escaped}?server_name=x`],
    ['POST', `knock/${escaped}`],
  ] as [string, string][])('%s %s -> its room, under every prefix', (method, path) => {
    for (const prefix of ['api/v1', 'r0', 'v1', 'v3', 'v2_alpha', 'unstable'])
      expect(newsOf(method, `/_matrix/client/${prefix}/${path}`)).toBe(room);
  });

  test.each([
    ['POST', '/_matrix/client/v3/join/%23alias%3Ahs.test'],
    ['PUT', '/_matrix/client/v3/profile/%40a%3Ab/displayname'],
    ['PUT', '/_matrix/client/v3/rooms/%zz/send/x/y'],
    ['PUT', '/_matrix/federation/v1/send/1234'],
  ])('%s %s -> any room', (method, path) => {
    expect(newsOf(method, path)).toBe('any');
  });

  test('a join of another homeserver -> its room', () => {
    expect(newsOf('PUT', `/_matrix/federation/v2/send_join/${escaped}/$event`)).toBe(room);
  });

  test.each([
    ['GET', `/_matrix/client/v3/rooms/${escaped}/messages`],
    ['GET', `/_matrix/client/v3/rooms/${escaped}/state/m.room.topic`],
    ['OPTIONS', `/_matrix/client/v3/rooms/${escaped}/send/x/y`],
    ['PUT', `/_matrix/client/v3/rooms/${escaped}/typing/@a:b`],
    ['POST', `/_matrix/client/v3/rooms/${escaped}/receipt/m.read/$e`],
    ['POST', '/_matrix/client/v3/keys/query'],
    ['PUT', `/_matrix/media/v3/rooms/${escaped}/send/x/y`],
    ['GET', '/_matrix/federation/v1/send/1234'],
    ['PUT', '/_matrix/client/v3/sendToDevice/m.x/1'],
    ['PUT', `/_matrix/client/v3/rooms/${escaped}/send/a/b/c/d/e/f/g/h`],
  ])('%s %s -> makes none', (method, path) => {
    expect(newsOf(method, path)).toBeUndefined();
  });
});
