import { describe, expect, test } from 'vitest';
import { toAuthenticatedMedia } from '../../src/passthrough/legacy-media.ts';

describe('a download or thumbnail -> at its new place, with the rest as it came', () => {
  test.each([
    ['/_matrix/media/r0/download/a.test/m', 'download/a.test/m'],
    [
      '/_matrix/media/v1/download/a.test:8448/m?allow_remote=false',
      'download/a.test:8448/m?allow_remote=false',
    ],
    ['/_matrix/media/v3/download/a.test/m/%C3%A4%zz.png', 'download/a.test/m/%C3%A4%zz.png'],
    [
      '/_matrix/media/v1/thumbnail/a/m?width=96&height=96&method=crop',
      'thumbnail/a/m?width=96&height=96&method=crop',
    ],
    ['/_matrix/content/a.test/m?x=1', 'download/a.test/m?x=1'],
  ])('%s', (given, expected) => {
    for (const method of ['GET', 'HEAD'])
      expect(toAuthenticatedMedia(method, given)).toBe(`/_matrix/client/v1/media/${expected}`);
  });
});

describe('anything else -> not a byte changes', () => {
  test.each([
    ['POST', '/_matrix/media/v1/upload'],
    ['OPTIONS', '/_matrix/media/v1/download/a/m'],
    ['GET', '/_matrix/media/v1/config'],
    ['GET', '/_matrix/media/v3/preview_url?url=x'],
    ['GET', '/_matrix/media/v1/download/a'],
    ['GET', '/_matrix/media/v1/download/a?/b'],
    ['GET', '/_matrix/media/v2/download/a/m'],
    ['GET', '/_matrix/media/unstable/download/a/m'],
    ['GET', '/_matrix/content/QGE6dGVzdA.aW1hZ2U'],
    ['GET', '/_matrix/content/a/m/name'],
    ['GET', '/_matrix/client/v1/media/download/a/m'],
    ['GET', '/x/_matrix/media/v1/download/a/m'],
  ])('%s %s', (method, rawUrl) => {
    expect(toAuthenticatedMedia(method, rawUrl)).toBe(rawUrl);
  });
});
