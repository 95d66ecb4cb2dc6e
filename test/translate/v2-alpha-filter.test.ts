import { describe, expect, test } from 'vitest';
import { toModernFilter, withTimelineLimit } from '../../src/translate/v2-alpha-filter.ts';

describe('toModernFilter', () => {
  test.each([
    {
      name: 'of before October 2015',
      given: {
        room: { events: { limit: 3 }, state: { types: ['a'] }, ephemeral: { types: [] } },
        public_user_data: { types: [] },
        private_user_data: { not_types: ['b'] },
        event_format: 'client',
      },
      expected: {
        room: { timeline: { limit: 3 }, state: { types: ['a'] }, ephemeral: { types: [] } },
        presence: { types: [] },
        account_data: { not_types: ['b'] },
        event_format: 'client',
      },
    },
    {
      name: 'of after October 2015',
      given: { room: { timeline: { limit: 3 }, private_user_data: { types: ['m.tag'] } }, presence: {} },
      expected: { room: { timeline: { limit: 3 }, account_data: { types: ['m.tag'] } }, presence: {} },
    },
    {
      name: 'with both names',
      given: {
        room: { events: { limit: 1 }, timeline: { limit: 2 } },
        presence: {},
        public_user_data: { a: 1 },
      },
      expected: { room: { timeline: { limit: 2 } }, presence: {} },
    },
    {
      name: 'with fields',
      given: { event_fields: ['content'] },
      expected: { event_fields: ['content', 'event_id'] },
    },
    {
      name: 'with the id among its fields',
      given: { event_fields: ['event_id'] },
      expected: { event_fields: ['event_id'] },
    },
    {
      name: 'of odd values',
      given: { room: 3, event_fields: 'x', y: null },
      expected: { room: 3, event_fields: 'x', y: null },
    },
    { name: 'that is empty', given: {}, expected: {} },
  ])('a filter $name -> the modern one', ({ given, expected }) => {
    expect(toModernFilter(given)).toEqual(expected);
  });

  test('a key that is a name of JavaScript -> stays', () => {
    const filter = JSON.parse('{"__proto__":{"a":1},"room":{"__proto__":2,"toString":3}}');
    expect(JSON.stringify(toModernFilter(filter))).toBe(JSON.stringify(filter));
  });
});

describe('withTimelineLimit', () => {
  test.each([
    { given: {}, expected: { room: { timeline: { limit: 5 } } } },
    {
      given: { presence: {}, room: { state: {}, timeline: { limit: 9, types: ['t'] } } },
      expected: { presence: {}, room: { state: {}, timeline: { limit: 5, types: ['t'] } } },
    },
    { given: { room: null }, expected: { room: { timeline: { limit: 5 } } } },
  ])('$given -> $expected', ({ given, expected }) => {
    expect(withTimelineLimit(given, 5)).toEqual(expected);
  });
});
