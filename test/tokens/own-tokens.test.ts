import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeCatchUpToken,
  decodeRoomToken,
  encodeCatchUpToken,
  encodeRoomToken,
  isOwnToken,
  type CatchUpPosition,
  type RoomPosition,
} from '../../src/tokens/own-tokens.ts';
import { hasDotSegment } from '../../src/matrix/dot-segments.ts';

const text = fc.string({ minLength: 1, maxLength: 255, unit: 'grapheme' });

/** No id is one that a path could not carry: such a token is none. */
const id = text.filter((value) => !hasDotSegment(value));

const catchUpPosition = fc.oneof(
  fc.record({ from: text, to: text, roomId: id, page: fc.option(text), lastEventId: id }),
  fc.record({ from: text, to: text, roomId: id, page: fc.option(text), lastEventId: fc.constant(null) }),
) as fc.Arbitrary<CatchUpPosition>;

const roomPosition = fc.record({
  roomId: id,
  eventId: fc.option(id),
  side: fc.constantFrom('before', 'after'),
}) as fc.Arbitrary<RoomPosition>;

describe('the catch-up token', () => {
  test('any position -> the same position after encoding and decoding', () => {
    fc.assert(
      fc.property(catchUpPosition, (position) => {
        fc.pre(encodeCatchUpToken(position).length <= 4096);
        expect(decodeCatchUpToken(encodeCatchUpToken(position))).toEqual(position);
      }),
    );
  });

  test('one character changed -> no token, or one that encodes to the same text', () => {
    fc.assert(
      fc.property(
        catchUpPosition,
        fc.nat(),
        fc.constantFrom('A', '_', '=', ' ', '~', '.'),
        (position, at, character) => {
          const token = encodeCatchUpToken(position);
          const forged = token.slice(0, at % token.length) + character + token.slice((at % token.length) + 1);
          const decoded = decodeCatchUpToken(forged);
          if (decoded !== undefined) expect(encodeCatchUpToken(decoded)).toBe(forged);
        },
      ),
    );
  });

  test.each([
    { name: 'no fields', fields: [] },
    { name: 'a field too many', fields: ['a', 'b', 'c', null, null, 'more'] },
    { name: 'an empty text', fields: ['a', '', 'c', null, null] },
    { name: 'a number for a text', fields: ['a', 1, 'c', null, null] },
    { name: 'an object', fields: { from: 'a' } },
  ])('$name -> no token', ({ fields }) => {
    const token = `hsc1.${Buffer.from(JSON.stringify(fields)).toString('base64url')}`;
    expect(decodeCatchUpToken(token)).toBeUndefined();
  });

  test('white space inside -> no token, as one position has one token', () => {
    const token = `hsc1.${Buffer.from('["a","b","c",null, null]').toString('base64url')}`;
    expect(decodeCatchUpToken(token)).toBeUndefined();
  });

  test('longer than 4 KB -> no token', () => {
    const position = {
      from: 'a',
      to: 'b',
      roomId: 'r'.repeat(4000),
      page: null,
      lastEventId: null,
    } as CatchUpPosition;
    expect(decodeCatchUpToken(encodeCatchUpToken(position))).toBeUndefined();
  });

  test('a later version -> ours, but not understood', () => {
    expect(isOwnToken('hsc2.AAAA')).toBe(true);
    expect(decodeCatchUpToken('hsc2.AAAA')).toBeUndefined();
  });
});

describe('the room token', () => {
  test('any position -> the same position after encoding and decoding', () => {
    fc.assert(
      fc.property(roomPosition, (position) => {
        expect(decodeRoomToken(encodeRoomToken(position))).toEqual(position);
      }),
    );
  });

  test('junk -> no token', () => {
    fc.assert(
      fc.property(fc.string(), (junk) => {
        expect(decodeRoomToken(junk)).toBeUndefined();
        expect(decodeCatchUpToken(junk)).toBeUndefined();
      }),
    );
  });

  test('a catch-up token -> no room token, and the other way round', () => {
    const catchUp = encodeCatchUpToken({
      from: 'a',
      to: 'b',
      roomId: 'c',
      page: null,
      lastEventId: null,
    } as CatchUpPosition);
    const room = encodeRoomToken({ roomId: 'a', eventId: 'b', side: 'after' } as RoomPosition);
    expect(decodeRoomToken(catchUp)).toBeUndefined();
    expect(decodeCatchUpToken(room)).toBeUndefined();
  });
});

test.each(['s72594_4483_1934', 't34-23535_0_0', 'sbx_abc', '12345', 'END', '', 'hs', 'hsc1', 'm5~1.7_3'])(
  "a homeserver's token %j -> not ours",
  (token) => {
    expect(isOwnToken(token)).toBe(false);
  },
);
