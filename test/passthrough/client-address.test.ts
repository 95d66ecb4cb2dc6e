import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createClientAddressReader } from '../../src/passthrough/client-address.ts';

const clientAddressOf = createClientAddressReader(['10.0.0.0/8', '::1']);
const requestWith = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;

describe('from a client itself', () => {
  test.each(['192.0.2.1', '10.0.0.1', undefined])('on a connection of %s -> that address', (address) => {
    const isTrusted = address === '10.0.0.1';
    expect(clientAddressOf(requestWith({ host: 'a' }), { address, isTrusted })).toBe(address);
  });

  test.each(['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'forwarded', 'via'])(
    'which says %s though nobody trusts it -> unknown',
    (name) => {
      const stranger = { address: '192.0.2.1', isTrusted: false };
      expect(clientAddressOf(requestWith({ [name]: '192.0.2.2' }), stranger)).toBeUndefined();
    },
  );
});

describe('through a trusted proxy', () => {
  const proxy = { address: '10.0.0.1', isTrusted: true };

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['198.51.100.1, 192.0.2.1', '192.0.2.1'],
    ['198.51.100.1,192.0.2.1 ,10.2.2.2', '192.0.2.1'],
    ['2001:db8::1, ::1', '2001:db8::1'],
    ['10.9.9.9, 10.2.2.2', '10.9.9.9'],
    ['198.51.100.1, ::ffff:10.2.2.2', '198.51.100.1'],
    ['192.0.2.17:51234', '192.0.2.17'],
    ['[2001:db8::5]:4711', '2001:db8::5'],
    ['198.51.100.1, [2001:db8::5], 10.2.2.2:99', '2001:db8::5'],
  ])('X-Forwarded-For: %s -> %s', (forwardedFor, expected) => {
    expect(clientAddressOf(requestWith({ 'x-forwarded-for': forwardedFor }), proxy)).toBe(expected);
  });

  test.each(['', '198.51.100.1,', '198.51.100.1, ,10.2.2.2', '198.51.100.1, unknown', '198.51.100.1, unix:'])(
    'X-Forwarded-For: %j, whose last word is no address -> not the one before',
    (forwardedFor) => {
      const address = clientAddressOf(requestWith({ 'x-forwarded-for': forwardedFor }), proxy);
      expect(['', 'unknown', 'unix:']).toContain(address);
    },
  );

  test('which tells other things, but not for whom it asks -> unknown', () => {
    expect(clientAddressOf(requestWith({ 'x-real-ip': '198.51.100.1' }), proxy)).toBeUndefined();
    expect(clientAddressOf(requestWith({ 'x-forwarded-proto': 'https' }), proxy)).toBeUndefined();
  });
});

test('nobody is trusted -> the connection is all that counts', () => {
  const strict = createClientAddressReader([]);
  const peer = { address: '127.0.0.1', isTrusted: false };
  expect(strict(requestWith({}), peer)).toBe('127.0.0.1');
  expect(strict(requestWith({ 'x-forwarded-for': '127.0.0.1' }), peer)).toBeUndefined();
});
