import { describe, expect, test } from 'vitest';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createPeerLookup, forwardedForOf, isReplaced } from '../../src/http/forwarded.ts';

const socketFrom = (remoteAddress: string | undefined) => ({ remoteAddress }) as Socket;
const requestWith = (forwardedFor?: string) =>
  ({ headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor } }) as IncomingMessage &
    Record<string, unknown>;

describe('who is trusted', () => {
  const peerOf = createPeerLookup(['10.0.0.0/8', '::1', '192.0.2.7']);

  test.each([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['192.0.2.7', true],
    ['::1', true],
    ['192.0.2.8', false],
    ['127.0.0.1', false],
  ])('%s -> %s', (address, expected) => {
    expect(peerOf(socketFrom(address)).isTrusted).toBe(expected);
  });

  test('nobody is configured -> nobody is trusted', () => {
    expect(createPeerLookup([])(socketFrom('127.0.0.1')).isTrusted).toBe(false);
  });

  test('a Unix socket -> no address, not trusted', () => {
    expect(peerOf(socketFrom(undefined))).toEqual({ address: undefined, isTrusted: false });
  });

  test('an IPv4 address in IPv6 form -> shown as IPv4', () => {
    expect(peerOf(socketFrom('::ffff:192.0.2.9')).address).toBe('192.0.2.9');
  });
});

describe('X-Forwarded-For', () => {
  const stranger = { address: '192.0.2.1', isTrusted: false };
  const proxy = { address: '10.0.0.1', isTrusted: true };

  test('from a stranger -> replaced by its address', () => {
    expect(forwardedForOf(requestWith('198.51.100.1'), stranger)).toBe('192.0.2.1');
  });

  test('from a trusted proxy -> appended to', () => {
    expect(forwardedForOf(requestWith('198.51.100.1, 203.0.113.1'), proxy)).toBe(
      '198.51.100.1, 203.0.113.1, 10.0.0.1',
    );
  });

  test.each([
    { received: '192.0.2.17:51234', sent: '192.0.2.17' },
    { received: '[2001:db8::5]:4711,[2001:db8::6]', sent: '2001:db8::5, 2001:db8::6' },
    { received: '2001:db8::5, unknown', sent: '2001:db8::5, unknown' },
  ])('from a trusted proxy that adds ports ($received) -> addresses alone', ({ received, sent }) => {
    const request = { headers: { 'x-forwarded-for': received } } as unknown as IncomingMessage;
    expect(forwardedForOf(request, { address: '10.0.0.1', isTrusted: true })).toBe(`${sent}, 10.0.0.1`);
  });

  test('a trusted proxy sends none -> its address', () => {
    expect(forwardedForOf(requestWith(), proxy)).toBe('10.0.0.1');
  });

  test('nothing is known -> none', () => {
    expect(
      forwardedForOf(requestWith('198.51.100.1'), { address: undefined, isTrusted: false }),
    ).toBeUndefined();
  });

  test.each(['x-forwarded-for', 'x-forwarded-anything', 'forwarded', 'x-real-ip', 'x_forwarded_for', 'x_y'])(
    '%s from a stranger -> replaced; from a trusted proxy -> kept',
    (name) => {
      expect([isReplaced(name, stranger), isReplaced(name, proxy)]).toEqual([true, false]);
    },
  );
});
