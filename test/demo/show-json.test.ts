import { describe, expect, test } from 'vitest';
import { showJson } from '../../src/demo/show-json.ts';

describe('showJson', () => {
  test.each([
    { name: 'something short', value: { a: 1, b: null }, expected: ['{ "a": 1, "b": null }'] },
    { name: 'nothing', value: { a: {}, b: [] }, expected: ['{ "a": {}, "b": [] }'] },
    { name: 'a long text', value: 'x'.repeat(60), expected: [`"${'x'.repeat(44)}…"`] },
    { name: 'a list', value: { state: [1, 2, 3] }, expected: ['{ "state": [1, … 2 more] }'] },
    { name: 'a chunk', value: { chunk: [1, 2, 3, 4] }, expected: ['{ "chunk": [1, 2, 3, … 1 more] }'] },
    {
      name: 'an event',
      value: { event_id: '$1', content: { body: 'hi' }, type: 'm.room.message', user_id: '@a:b' },
      expected: ['{ "type": "m.room.message", "user_id": "@a:b", "content": { "body": "hi" }, … }'],
    },
    {
      name: 'something wide',
      value: { end: 'x'.repeat(40), rooms: [{ room_id: 'y'.repeat(40) }] },
      expected: [
        '{',
        `  "end": "${'x'.repeat(40)}",`,
        `  "rooms": [{ "room_id": "${'y'.repeat(40)}" }]`,
        '}',
      ],
    },
  ])('when given $name -> short and indented', ({ value, expected }) => {
    expect(showJson(value, 80)).toEqual(expected);
  });
});
