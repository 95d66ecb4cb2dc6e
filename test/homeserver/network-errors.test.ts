import { errors } from 'undici';
import { describe, expect, test } from 'vitest';
import { explainNetworkError, explainPassingError } from '../../src/homeserver/network-errors.ts';

describe('a request that undici cannot send', () => {
  const error = new errors.InvalidArgumentError('invalid path');

  test('is passed on -> 400, as its client wrote it', () => {
    expect(explainPassingError(error)).toMatchObject({ status: 400, errcode: 'M_UNKNOWN' });
  });

  test('is one of our own -> 502, as no client can do anything about it', () => {
    expect(explainNetworkError(error)).toMatchObject({ status: 502 });
  });
});

test.each([explainNetworkError, explainPassingError])('a reset, %o -> 502', (explain) => {
  expect(explain(new errors.SocketError('other side closed'))).toMatchObject({ status: 502 });
});
