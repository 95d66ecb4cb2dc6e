import { describe, expect, test } from 'vitest';
import { isHopByHop, mayBeHopByHop, namesHeaders, withoutNamed } from '../../src/passthrough/hop-by-hop.ts';

test.each([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'proxy',
  'proxy-connection',
])('%s -> stops here, in any case', (name) => {
  expect(isHopByHop(name)).toBe(true);
  expect([name, name.toUpperCase()].map(mayBeHopByHop)).toEqual([true, true]);
});

test.each(['authorization', 'content-length', 'host', 'cookie', 'trailers', 'x-proxy-foo'])(
  '%s -> goes on',
  (name) => {
    expect(isHopByHop(name)).toBe(false);
  },
);

test('only the usual values of Connection -> name no header', () => {
  expect(['keep-alive', 'close', 'Keep-Alive', 'upgrade', 'close, x-foo', ''].map(namesHeaders)).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

describe('headers named by Connection', () => {
  test('are taken away, whatever their spelling; the others stay in order', () => {
    const headers = ['A', '1', 'X-Foo', '2', 'b', '3', 'x-foo', '4'];
    expect(withoutNamed(headers, ',close, X-FOO ,')).toEqual(['A', '1', 'b', '3']);
  });

  test.each([
    'Host',
    'Authorization',
    'Cookie',
    'Content-Length',
    'Content-Type',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'Forwarded',
    'X-Real-IP',
    'Set-Cookie',
  ])('%s is protected -> stays', (name) => {
    expect(withoutNamed([name, '1'], `close, ${name}`)).toEqual([name, '1']);
  });
});
