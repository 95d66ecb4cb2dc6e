import { describe, expect, test } from 'vitest';
import { resolveForMessages, type TokenContext } from '../../src/tokens/resolve-token.ts';
import { encodeRoomToken } from '../../src/tokens/own-tokens.ts';
import { dendrite } from '../../src/homeserver/kinds/dendrite.ts';
import type { EventId, MessagesToken, RoomId } from '../../src/matrix/identifiers.ts';
import { FakeHomeserver } from '../support/fake-homeserver.ts';

const roomId = '!a:b' as RoomId;

function contextOf(start: string, end: string): TokenContext {
  const tokens = { start: start as MessagesToken, end: end as MessagesToken };
  return {
    account: new FakeHomeserver({ context: async () => tokens }).as(),
    kind: dendrite,
  };
}

describe('a room token, for /messages', () => {
  test.each([
    { name: 'before an event', side: 'before', end: 't5_6', expected: 't4_5' },
    { name: 'after an event', side: 'after', end: 't5_6', expected: 't5_6' },
    {
      name: 'after the newest event, where the homeserver has no token',
      side: 'after',
      end: '',
      expected: null,
    },
  ] as const)('$name -> $expected', async ({ side, end, expected }) => {
    const token = encodeRoomToken({ roomId, eventId: '$e' as EventId, side });
    expect(await resolveForMessages(token, roomId, contextOf('t4_5', end))).toBe(expected);
  });

  test('of another room -> none', async () => {
    const token = encodeRoomToken({ roomId: '!other:b' as RoomId, eventId: '$e' as EventId, side: 'after' });
    expect(await resolveForMessages(token, roomId, contextOf('t4_5', 't5_6'))).toBeUndefined();
  });
});
