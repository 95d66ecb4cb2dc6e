import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readNewest } from '../../../src/endpoints/room-initial-sync/newest-events.ts';
import { createSpool } from '../../../src/endpoints/streamed/spool.ts';
import { MessagesPage } from '../../../src/homeserver/messages-page.ts';
import type { MessagesToken, RoomId } from '../../../src/matrix/identifiers.ts';
import { LegacyEventBytes } from '../../../src/translate/legacy-event-bytes.ts';
import { FakeHomeserver } from '../../support/fake-homeserver.ts';

const roomId = '!r:test' as RoomId;

/** A room of so many events, newest first, in pages that may be short, empty, or repeat the one before. */
function homeserverOf(pages: readonly (readonly number[])[]): FakeHomeserver {
  return new FakeHomeserver({
    messagesPage: async (_roomId, { from }) => {
      const page = Number(from);
      const chunk = (pages[page] ?? []).map((id) => ({
        type: 't',
        sender: '@a:t',
        event_id: `$${id}`,
        content: {},
      }));
      const end = page + 1 < pages.length ? { end: String(page + 1) } : {};
      return new MessagesPage(Buffer.from(JSON.stringify({ chunk, start: from, ...end })));
    },
  });
}

async function read(pages: readonly (readonly number[])[], limit: number) {
  const spool = createSpool({ maxMemoryBytes: 500 });
  const noted: unknown[] = [];
  const {
    pages: count,
    newest,
    start,
  } = await readNewest({
    account: homeserverOf(pages).as(),
    roomId,
    from: '0' as MessagesToken,
    limit,
    events: new LegacyEventBytes(roomId, 0),
    spool,
    onEvent: (eventId) => noted.push(eventId),
  });
  const texts: string[] = [];
  for (let page = count - 1; page >= 0; page -= 1) {
    let text = '';
    for await (const { bytes } of spool.release(`page ${page}`)) text += bytes.toString();
    texts.push(text);
  }
  await spool.close();
  const given = JSON.parse(`[${texts.join()}]`) as { event_id: string; user_id: string }[];
  return { ids: given.map(({ event_id }) => event_id), given, newest, start, noted };
}

// Differs: full-room-chunk
test('any pages, short, empty or overlapping -> each event once, oldest first, and the newest one named', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      async (sizes, repeats) => {
        let next = 0;
        const pages = sizes.map((size) => {
          const fresh = Array.from({ length: size }, () => (next += 1));
          return repeats && next > size ? [next - size, ...fresh] : fresh;
        });
        const { ids, newest, noted } = await read(pages, 1000);
        const expected = Array.from({ length: next }, (_, i) => `$${i + 1}`);
        expect(ids).toEqual(expected.toReversed());
        expect(noted).toEqual(expected);
        expect(newest).toBe(expected[0]);
      },
    ),
    { numRuns: 100 },
  );
});

test('as many events as are wanted -> where to page on is where the last page ended', async () => {
  const { ids, start } = await read([[1, 2], [3], [4]], 3);
  expect([ids, start]).toEqual([['$3', '$2', '$1'], '2']);
});

test('the beginning of the room -> where to page on is before its first event', async () => {
  const { start, given } = await read([[1, 2]], 10);
  expect(start).toMatch(/^hsr1\./);
  expect(given[0]).toMatchObject({ event_id: '$2', user_id: '@a:t', room_id: roomId });
});
