import { describe, expect, test } from 'vitest';
import { featuresOf, type UsingRequest } from '../../../src/operate/usage/features.ts';

const client = (path: string) => `/_matrix/client/${path}`;

describe('the features of a request', () => {
  test.each<Partial<UsingRequest> & { rawUrl: string; expected: string[] }>([
    { rawUrl: client('v3/account/whoami'), expected: [] },
    { rawUrl: client('v3/sync?since=s1'), endpoint: 'sync', expected: [] },
    { rawUrl: '/_matrix/federation/v1/version', expected: [] },
    { rawUrl: client('v3/initialSync'), endpoint: 'initial-sync', expected: ['initial-sync'] },
    {
      rawUrl: client('r0/initialSync?access_token=a'),
      endpoint: 'initial-sync',
      expected: ['initial-sync', 'r0', 'query-token'],
    },
    { rawUrl: client('api/v1/events?from=a'), endpoint: 'events', expected: ['events'] },
    { rawUrl: client('v3/events?room_id=!a'), endpoint: 'peek-events', expected: ['peek-events'] },
    {
      rawUrl: client('r0/events?from=a&room_id=!a'),
      endpoint: 'peek-events',
      expected: ['peek-events', 'r0'],
    },
    { rawUrl: client('v2_alpha/sync'), endpoint: 'v2-alpha-sync', expected: ['v2-alpha-sync'] },
    { rawUrl: client('v2_alpha/user/a/filter'), endpoint: 'v2-alpha-sync', expected: ['v2-alpha'] },
    { rawUrl: client('v2_alpha/keys/query'), expected: ['v2-alpha'] },
    { rawUrl: client('api/v1/join/a'), endpoint: 'v1', expected: ['api-v1'] },
    { rawUrl: client('r0/join/a'), endpoint: 'v1', expected: ['r0'] },
    { rawUrl: client('v3/join/a?access_token=b'), expected: ['query-token'] },
    { rawUrl: client('v3/join/a?acc%65ss_token=b'), expected: ['query-token'] },
    { rawUrl: client('v3/login?access_token='), expected: [] },
    {
      rawUrl: client('v3/rooms/!a/initialSync'),
      endpoint: 'room-initial-sync',
      expected: ['room-initial-sync'],
    },
    { rawUrl: client('v3/events/$a'), endpoint: 'event', expected: ['event'] },
    { rawUrl: '/_matrix/media/v3/download/a/b', hasHeaderToken: true, expected: ['old-media'] },
    { rawUrl: '/_matrix/media/r0/thumbnail/a/b?access_token=c', expected: ['old-media', 'query-token'] },
    { rawUrl: '/_matrix/media/v1/download/a/b', expected: ['old-media-without-token'] },
    { rawUrl: '/_matrix/content/a/b', expected: ['old-media-without-token'] },
    { rawUrl: '/_matrix/media/v3/upload', method: 'POST', hasHeaderToken: true, expected: [] },
    { rawUrl: client('v1/media/download/a/b'), hasHeaderToken: true, expected: [] },
    { rawUrl: client('r0/initialSync'), method: 'OPTIONS', endpoint: 'initial-sync', expected: [] },
  ])('$method $rawUrl -> $expected', ({ expected, ...request }) => {
    const whole = { endpoint: 'passthrough', method: 'GET', hasHeaderToken: false, ...request } as const;
    expect(featuresOf(whole)).toEqual(expected);
  });
});
