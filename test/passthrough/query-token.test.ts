import { describe, expect, test } from 'vitest';
import { takeQueryToken } from '../../src/passthrough/query-token.ts';

describe('a URL with access tokens -> the URL without them, and the first', () => {
  test.each([
    { given: '/a?access_token=t', rawUrl: '/a', accessToken: 't' },
    { given: '/a?access_token=t&b=1', rawUrl: '/a?b=1', accessToken: 't' },
    { given: '/a?b=1&access_token=t', rawUrl: '/a?b=1', accessToken: 't' },
    { given: '/a?b=1&access_token=t&c=%zz', rawUrl: '/a?b=1&c=%zz', accessToken: 't' },
    { given: '/a?access_token=t&access_token=u', rawUrl: '/a', accessToken: 't' },
    {
      given: '/a?access_token=t&b[]={"x":1}&access_token=u&b[]',
      rawUrl: '/a?b[]={"x":1}&b[]',
      accessToken: 't',
    },
    { given: '/a?access_token=', rawUrl: '/a', accessToken: '' },
    { given: '/a?access_token', rawUrl: '/a', accessToken: '' },
    { given: '/a?access_token=&access_token=t', rawUrl: '/a', accessToken: '' },
    { given: '/a?access%5Ftoken=t', rawUrl: '/a', accessToken: 't' },
    { given: '/a?%61ccess_%74oken=t&b', rawUrl: '/a?b', accessToken: 't' },
    { given: '/a?access_token=MDAx%2Bb%3D%3D', rawUrl: '/a', accessToken: 'MDAx+b==' },
    { given: '/a?access_token=a=b', rawUrl: '/a', accessToken: 'a=b' },
    { given: '/a?b=x%26access_token=y&access_token=t', rawUrl: '/a?b=x%26access_token=y', accessToken: 't' },
    { given: '/a%3Faccess_token=x?access_token=t', rawUrl: '/a%3Faccess_token=x', accessToken: 't' },
  ])('$given', ({ given, rawUrl, accessToken }) => {
    expect(takeQueryToken(given)).toEqual({ rawUrl, accessToken });
  });
});

describe('a URL without one -> the same', () => {
  test.each([
    '/a',
    '/a?',
    '/a?b=1&',
    '/a?&&b',
    '/a?filter={"access_token":1}',
    '/a?b=access_token=t',
    '/a?xaccess_token=t',
    '/a?access_tokens=t',
    '/a?Access_Token=t',
    '/a??access_token=t',
    '/a/access_token=t',
    '/a?%zz=1&b=%41',
  ])('%s', (given) => {
    expect(takeQueryToken(given)).toEqual({ rawUrl: given, accessToken: undefined });
  });
});
