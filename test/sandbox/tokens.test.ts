import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MatrixError } from '../../src/matrix/errors.ts';
import {
  decodeSyncToken,
  decodeToken,
  encodeMessagesToken,
  encodeSyncToken,
  type RoomPosition,
} from '../../src/sandbox/tokens.ts';

const number = fc.nat();
const bound = fc.record({ dir: fc.constantFrom('f' as const, 'b' as const), stream: number });
const roomPosition: fc.Arbitrary<RoomPosition> = fc.record(
  { depth: number, stream: number, bound },
  { requiredKeys: ['depth', 'stream'] },
);

test('when encoded and decoded -> the same position, in the shape that the gateway knows', () => {
  fc.assert(
    fc.property(number, roomPosition, (stream, position) => {
      const [sync, messages] = [encodeSyncToken(stream), encodeMessagesToken(position)];
      expect(sync).toMatch(/^sbx_[A-Za-z0-9_-]+$/);
      expect(messages).toMatch(/^sbm_[A-Za-z0-9_-]+$/);
      expect(decodeSyncToken(sync)).toEqual({ stream });
      expect(decodeToken(sync, '')).toEqual({ stream });
      expect(decodeToken(messages, '')).toEqual(position);
    }),
  );
});

test('when it is anything else -> 400, or the one token of a position', () => {
  const junk = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.constantFrom('sbx_', 'sbm_', 's'), fc.string({ unit: fc.constantFrom(...'MTIzLg0_-=') }))
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(junk, (token) => {
      try {
        const position = decodeToken(token, 'no token');
        expect('depth' in position ? encodeMessagesToken(position) : encodeSyncToken(position.stream)).toBe(
          token,
        );
      } catch (error) {
        expect(error).toEqual(new MatrixError(400, 'M_UNKNOWN', 'no token'));
      }
    }),
    { numRuns: 1000 },
  );
});
