import { describe, expect, test } from 'vitest';
import { readAccessToken } from '../../src/http/access-token.ts';

/** Tokens that are no part of a header line, or would be read as less than they are. */
const ODD = ['a\r\nX: b', 'a\0b', 'a b', 'é', '🙂', '\t', ' a', 'a\x7f'];

describe('a token that no header can carry -> 401 M_UNKNOWN_TOKEN', () => {
  const unknown = expect.objectContaining({ status: 401, errcode: 'M_UNKNOWN_TOKEN' });

  test.each(ODD)('in the query: %j', (token) => {
    expect(() => readAccessToken([], new URLSearchParams({ access_token: token }))).toThrow(unknown);
  });

  test.each(['é', 'a\x7f', 'a\tb'])('in a header: %j', (token) => {
    const read = () => readAccessToken(['Authorization', `Bearer ${token}`], new URLSearchParams());
    expect(read).toThrow(unknown);
  });
});

test('any other -> as it came', () => {
  for (const token of ['syt_a-b_c/d+e=', '!~', 'x'.repeat(4000)]) {
    expect(readAccessToken([], new URLSearchParams({ access_token: token }))).toBe(token);
    expect(readAccessToken(['authorization', `Bearer ${token}`], new URLSearchParams())).toBe(token);
  }
});
