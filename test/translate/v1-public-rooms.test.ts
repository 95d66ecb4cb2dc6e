import { expect, test } from 'vitest';
import { ByteSink } from '../../src/stream/byte-sink.ts';
import { JsonReader } from '../../src/stream/json-reader.ts';
import { PublicRoomsPage } from '../../src/translate/v1-public-rooms.ts';

function read(text: string, isFollowing = false) {
  const sink = new ByteSink(16);
  const page = new PublicRoomsPage(sink, isFollowing);
  const reader = new JsonReader(page);
  for (const byte of Buffer.from(text)) reader.push(Buffer.from([byte]));
  reader.end();
  return { rooms: sink.drain().toString(), page };
}

test.each([
  { name: 'no list', given: '{}', rooms: '' },
  { name: 'null instead of a list', given: '{"chunk":null}', rooms: '' },
  {
    name: 'an alias -> the only one of its list',
    given: '{"chunk":[{"room_id":"!1","canonical_alias":"#\\u0031","n":21.0}]}',
    rooms: '{"room_id":"!1","canonical_alias":"#\\u0031","n":21.0,"aliases":["#\\u0031"]}',
  },
  {
    name: 'no alias',
    given: '{"chunk":[{"canonical_alias":null},{}]}',
    rooms: '{"canonical_alias":null,"aliases":[]},{"aliases":[]}',
  },
  { name: 'aliases already', given: '{"chunk":[{"aliases":["#3"]}]}', rooms: '{"aliases":["#3"]}' },
  { name: 'aliases that are no list', given: '{"chunk":[{"aliases":1}]}', rooms: '{"aliases":[]}' },
])('rooms of the directory, $name', ({ given, rooms }) => {
  expect(read(given).rooms).toBe(rooms);
  expect(read(given, true).rooms).toBe(rooms === '' ? '' : `,${rooms}`);
});

test('what else a page has -> kept, but for the constants', () => {
  const { page } = read(
    '{"start":"a","end":"b","chunk":[],"next_batch":"n","total_room_count_estimate":1e2}',
  );
  expect(page.others).toEqual([',"next_batch":"n"', ',"total_room_count_estimate":1e2']);
  expect([page.count, page.nextBatch]).toEqual([0, 'n']);
});

test.each(['[]', '7', '{"chunk":[null]}', '{"chunk":['])('%s -> refused', (text) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ name: 'JsonReaderError' }));
});
