import { describe, expect, test } from 'vitest';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { toOwnView, toTagEvents } from '../../src/translate/own-view.ts';

const roomId = '!r:test' as RoomId;
const viewOf = (text: string) => toOwnView(Buffer.from(text), roomId);

describe('toOwnView', () => {
  test('receipts and account data of the room -> as they came, numbers and all', () => {
    const receipt = '{"type":"m.receipt","content":{"$1":{"m.read":{"@a:t":{"ts":9007199254740993}}}}}';
    const tag = '{"content":{"tags":{"u.x":{"order":0.50}}},"type":"m.tag"}';
    const text = `{"pos":"1","extensions":{"receipts":{"rooms":{"!other":${receipt},"!r:test":${receipt}}},"account_data":{"global":[${tag}],"rooms":{"!r:test":[${tag},{"type":"x"}]}}}}`;
    expect(viewOf(text)).toEqual({
      receipts: [`{"type":"m.receipt","room_id":"!r:test",${receipt.slice('{"type":"m.receipt",'.length)}`],
      accountData: [
        '{"type":"m.tag","content":{"tags":{"u.x":{"order":0.50}}}}',
        '{"type":"x","content":{}}',
      ],
    });
  });

  test.each([
    '{}',
    '{"extensions":null}',
    '{"extensions":{"receipts":null,"account_data":{"rooms":null}}}',
    '{"extensions":{"receipts":{"rooms":{"!r:test":null}},"account_data":{"rooms":{"!r:test":[null]}}}}',
  ])('%s -> nothing', (text) => {
    expect(viewOf(text)).toEqual({ receipts: [], accountData: [] });
  });

  test('an answer that is cut -> refused', () => {
    expect(() => viewOf('{"extensions":{')).toThrow(expect.objectContaining({ name: 'JsonReaderError' }));
  });
});

describe('toTagEvents', () => {
  test('tags -> one event with all of them, numbers as they are spelled', () => {
    expect(toTagEvents(Buffer.from('{"tags":{"m.favourite":{"order":0.10}}}'))).toEqual([
      '{"type":"m.tag","content":{"tags":{"m.favourite":{"order":0.10}}}}',
    ]);
  });

  test.each(['{}', '{"tags":{}}', '{"tags":null}', '[]'])('%s -> no event', (text) => {
    expect(toTagEvents(Buffer.from(text))).toEqual([]);
  });
});
