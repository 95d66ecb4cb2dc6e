// A room preview as today's Element makes it: matrix-js-sdk from npm, unmodified.

import { createClient, RoomEvent, type MatrixClient, type Room } from 'matrix-js-sdk';
import type { Logger } from 'matrix-js-sdk/lib/logger.js';
import { expect } from 'vitest';

export interface Peeker {
  baseUrl: string;
  userId: string;
  accessToken: string;
  isGuest?: boolean;
}

/**
 * Peeks a room that the world may read: it opens with what was said last, what is said meanwhile arrives once and in
 * order, and after `stopPeeking` nothing more does.
 */
export async function expectPeek(
  peeker: Peeker,
  roomId: string,
  say: (text: string) => Promise<unknown>,
): Promise<void> {
  const client = createClient({ ...peeker, logger: silent });
  client.setGuest(peeker.isGuest === true);
  await say('before');
  const room = await client.peekInRoom(roomId);
  try {
    expect(textsOf(room)).toContain('before');
    expect(room.name).toBe('Window');
    for (const text of ['one', 'two', 'three']) {
      const arrival = arrivalOf(client, room, text);
      await say(text);
      await arrival;
    }
    expect(textsOf(room).filter((text) => text !== 'before')).toEqual(['one', 'two', 'three']);
  } finally {
    client.stopPeeking();
    client.stopClient();
  }
}

const nothing = (): void => {};
export const silent: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  getChild: () => silent,
};

const textsOf = (room: Room): unknown[] =>
  room
    .getLiveTimeline()
    .getEvents()
    .filter((event) => event.getType() === 'm.room.message')
    .map((event) => event.getContent()['body']);

function arrivalOf(client: MatrixClient, room: Room, text: string): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!textsOf(room).includes(text)) return;
      client.off(RoomEvent.Timeline, look);
      resolve();
    };
    client.on(RoomEvent.Timeline, look);
    look();
  });
}
