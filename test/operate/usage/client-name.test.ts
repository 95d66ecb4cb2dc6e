import { expect, test } from 'vitest';
import { clientNameOf } from '../../../src/operate/usage/client-name.ts';

test.each([
  { given: 'WeeChat/3.8 (Linux)', expected: 'WeeChat' },
  { given: 'Riot.im/0.8.3 (HTC One; Android 6.0)', expected: 'Riot.im' },
  { given: 'python-requests/2.28.1', expected: 'python-requests' },
  { given: 'Dart/2.19 (dart:io)', expected: 'Dart' },
  { given: 'matrix-nio', expected: 'matrix-nio' },
  {
    given:
      'Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 (KHTML, like Gecko) Element/1.11 Chrome/126 Safari/537.36',
    expected: 'Element',
  },
  { given: 'Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0', expected: 'Firefox' },
  { given: 'Mozilla/5.0 (compatible)', expected: 'Mozilla' },
  { given: undefined, expected: 'no name' },
  { given: '', expected: 'no name' },
  { given: '///', expected: 'no name' },
  { given: '<script>alert(1)</script>', expected: '?script?alert' },
  { given: '\u001b[31mred\r\nx', expected: '??31mred??x' },
  { given: '\u202eevil', expected: '?evil' },
  { given: `${'a'.repeat(10_000)}/1`, expected: 'a'.repeat(40) },
])('$given -> $expected', ({ given, expected }) => {
  expect(clientNameOf(given)).toBe(expected);
});
