import { expect, test } from 'vitest';
import { parseExactly } from '../../src/stream/exact-json.ts';
import { readInvitesAmong } from '../../src/homeserver/notifications.ts';

test.each([
  { name: 'nothing', text: '{}', expected: { notifications: [] } },
  {
    name: 'null instead of a list',
    text: '{"notifications":null,"next_token":null}',
    expected: { notifications: [] },
  },
  {
    name: 'an invite among messages -> the invite, numbers as they are spelled',
    text: '{"next_token":"n","notifications":[{"event":{"content":{"body":"x"}}},{"event":{"content":{"membership":"invite","n":21.0}}},null]}',
    expected: {
      next_token: 'n',
      notifications: [{ event: { content: { membership: 'invite', n: parseExactly('21.0') } } }],
    },
  },
])('$name', ({ text, expected }) => {
  expect(JSON.stringify(readInvitesAmong(Buffer.from(text)).notifications)).toBe(
    JSON.stringify(expected.notifications),
  );
  expect(readInvitesAmong(Buffer.from(text)).next_token).toBe('next_token' in expected ? 'n' : undefined);
});

test.each(['', '{"notifications":[', '{"notifications":[{"a":"invite"},{"invite"}]}'])(
  '%s -> a 502',
  (text) => {
    expect(() => readInvitesAmong(Buffer.from(text))).toThrow(expect.objectContaining({ status: 502 }));
  },
);
