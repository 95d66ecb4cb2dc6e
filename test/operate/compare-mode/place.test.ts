import { expect, test } from 'vitest';
import { kindOf, placeOf } from '../../../src/operate/compare-mode/place.ts';

test.each([
  { path: [], expected: 'the whole answer' },
  { path: ['end'], expected: 'end' },
  {
    path: ['rooms', '!secret:example.org', 'state', 'm.room.member "@alice:example.org"', 'age'],
    expected: 'rooms * state m.room.member age',
  },
  { path: ['chunk', '$abc', 'content', 'body'], expected: 'chunk * content' },
  { path: ['chunk', '$abc', 'prev_content', 'secret'], expected: 'chunk * prev_content' },
  { path: ['chunk', 'm.presence of @alice:example.org', 'content'], expected: 'chunk m.presence content' },
  { path: ['chunk', 'org.example.custom of @alice'], expected: 'chunk *' },
  { path: ['chunk', 'order in !secret:example.org'], expected: 'chunk order' },
  { path: ['chunk', 'invite of @alice:example.org'], expected: 'chunk *' },
  {
    path: ['account_data', 'm.tag in !a:b', 'content', 'tags', 'u.private'],
    expected: 'account_data m.tag content',
  },
])('$path -> $expected', ({ path, expected }) => {
  expect(placeOf({ path })).toBe(expected);
});

test.each([
  { difference: { path: ['a'], native: 1, ours: undefined }, expected: 'missing in ours' },
  { difference: { path: ['a'], native: undefined, ours: 1 }, expected: 'missing natively' },
  { difference: { path: ['a'], native: 1, ours: 2 }, expected: 'another value' },
  { difference: { path: ['chunk', 'order of kinds'], native: [], ours: [] }, expected: 'another order' },
])('$difference -> $expected', ({ difference, expected }) => {
  expect(kindOf(difference)).toBe(expected);
});
