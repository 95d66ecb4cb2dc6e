import { describe, expect, test } from 'vitest';
import type { SessionKey } from '../../src/caches/sessions.ts';
import type { PageAhead } from '../../src/follow/page-ahead.ts';
import type { Remainder } from '../../src/follow/remainder.ts';
import { createSessionCursors } from '../../src/follow/session-cursors.ts';
import { MessagesPage } from '../../src/homeserver/messages-page.ts';
import type { MessagesToken, RoomId, SyncToken } from '../../src/matrix/identifiers.ts';
import { readWrittenEvents, WrittenEvent } from '../../src/translate/written-event.ts';

const session = 'session' as SessionKey;
const MIB = 1024 * 1024;

/** A page of two large events and a small one, as the homeserver wrote it. */
function aPage(largeBytes: number): Buffer {
  const event = (id: string, body: string) => ({ type: 'm.room.message', event_id: id, content: { body } });
  const chunk = [
    event('$1', 'x'.repeat(largeBytes)),
    event('$2', 'x'.repeat(largeBytes)),
    event('$3', 'small'),
  ];
  return Buffer.from(JSON.stringify({ chunk }));
}

function remainderOf(page: Buffer, given: number, ahead?: Promise<PageAhead>): Remainder {
  return {
    from: 's1' as SyncToken,
    to: 's2' as SyncToken,
    rooms: [{ roomId: '!a' as RoomId, timeline: [], sentAt: [], isWhole: false }],
    progress: {
      page: null,
      pending: readWrittenEvents(page).slice(given),
      ...(ahead !== undefined && { ahead }),
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('what a remainder takes', () => {
  test('most of a page is left -> the whole page is counted', () => {
    const cursors = createSessionCursors({ maxBytes: 64 * MIB });
    cursors.keepRemainder(session, 't', remainderOf(aPage(MIB), 0));
    expect(cursors.bytes).toBeGreaterThan(2 * MIB);
  });

  test('one small event is left of a large page -> copied, so that the page is not kept', () => {
    const cursors = createSessionCursors({ maxBytes: 64 * MIB });
    const page = aPage(MIB);
    cursors.keepRemainder(session, 't', remainderOf(page, 2));
    expect(cursors.bytes).toBeLessThan(4096);
    const [event] = cursors.remainder(session, 't')?.progress?.pending ?? [];
    if (!(event instanceof WrittenEvent)) throw new Error('not as bytes');
    expect(event.bytes.buffer).not.toBe(page.buffer);
    expect(event.parse()).toMatchObject({ event_id: '$3', content: { body: 'small' } });
  });

  test('pages that are on their way -> counted when they arrive, each', async () => {
    const cursors = createSessionCursors({ maxBytes: 64 * MIB });
    const pageOf = (following?: Promise<PageAhead>): PageAhead => ({
      events: new MessagesPage(aPage(MIB)),
      next: 'p' as MessagesToken,
      ...(following !== undefined && { following }),
    });
    const second = Promise.withResolvers<PageAhead>();
    cursors.keepRemainder(session, 't', remainderOf(aPage(10), 0, Promise.resolve(pageOf(second.promise))));
    await settled();
    expect(cursors.bytes).toBeGreaterThan(2 * MIB);
    expect(cursors.bytes).toBeLessThan(3 * MIB);
    second.resolve(pageOf());
    await settled();
    expect(cursors.bytes).toBeGreaterThan(4 * MIB);
  });

  test('pages that arrive and are too many -> what was used longest ago goes', async () => {
    const cursors = createSessionCursors({ maxBytes: 5 * MIB });
    for (const token of ['t1', 't2', 't3']) {
      const events = new MessagesPage(aPage(MIB));
      cursors.keepRemainder(session, token, remainderOf(aPage(10), 0, Promise.resolve({ events })));
      await settled();
      expect(cursors.bytes).toBeLessThanOrEqual(5 * MIB);
    }
    expect(cursors.remainder(session, 't1')).toBeUndefined();
    expect(cursors.remainder(session, 't3')).toBeDefined();
  });

  test('a page that is taken with its remainder before it arrives -> not counted', async () => {
    const cursors = createSessionCursors({ maxBytes: 64 * MIB });
    const page = Promise.withResolvers<PageAhead>();
    cursors.keepRemainder(session, 't', remainderOf(aPage(10), 0, page.promise));
    cursors.remainder(session, 't');
    page.resolve({ events: new MessagesPage(aPage(MIB)) });
    await settled();
    expect(cursors.bytes).toBeLessThan(4096);
  });
});
