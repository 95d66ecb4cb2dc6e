import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeFilledPage } from '../../../src/endpoints/messages/filled-page.ts';
import { createSpool } from '../../../src/endpoints/streamed/spool.ts';
import type { MessagesQuery } from '../../../src/homeserver/homeserver.ts';
import { HomeserverUnavailable } from '../../../src/matrix/errors.ts';
import type { MessagesToken, RoomId } from '../../../src/matrix/identifiers.ts';
import { LegacyEventBytes } from '../../../src/translate/legacy-event-bytes.ts';
import { FakeHomeserver } from '../../support/fake-homeserver.ts';
import { exactly } from '../../support/generated-json.ts';

const roomId = '!r:test' as RoomId;

interface Page {
  chunk: { event_id: string }[];
  start?: string;
  end?: string;
  state?: unknown[];
}

const event = (id: string) =>
  `{"type":"m.room.message","sender":"@a:t","event_id":"${id}","content":{"n":21.0}}`;
const aPage = (ids: string, end?: string, more = '') =>
  `{"chunk":[${ids.split(' ').filter(Boolean).map(event).join()}],"start":"s"${more}${end === undefined ? '' : `,"end":"${end}"`}}`;

/** The answers of a homeserver by `from`, in pieces of a few bytes; an error is thrown. */
function homeserverOf(pages: Record<string, string | Error>, pieceBytes = 7): FakeHomeserver {
  return new FakeHomeserver({
    streamMessages: async (_roomId, { from = '' }) => {
      const answer = pages[from] ?? '{}';
      if (answer instanceof Error) throw answer;
      const bytes = Buffer.from(answer);
      return (async function* () {
        for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
      })();
    },
  });
}

async function fill(homeserver: FakeHomeserver, given: Partial<MessagesQuery> = {}, stepMs = 0) {
  let nowMs = 0;
  const pieces = writeFilledPage({
    account: homeserver.as(),
    roomId,
    query: { dir: 'b', limit: 4, ...given },
    legacy: new LegacyEventBytes(roomId, 0),
    repeatsCreation: false,
    tokenBeyond: (eventId) => `beyond ${eventId}`,
    spool: createSpool({ maxMemoryBytes: 1000 }),
    clock: { now: () => (nowMs += stepMs), sleep: async () => {} },
  });
  let text = '';
  for await (const piece of pieces) text += piece.toString();
  const page = JSON.parse(text) as Page;
  return { text, page, ids: page.chunk.map(({ event_id }) => event_id).join(' ') };
}

describe('a page that is filled', () => {
  // Differs: filled-pages-may-be-longer
  test.each([
    { name: 'a full page', pages: { '': aPage('1 2 3 4', 'e') }, ids: '1 2 3 4', end: 'e', calls: 1 },
    {
      name: 'a short page, and a whole one behind it',
      pages: { '': aPage('1 2 3', 'e'), e: aPage('4 5 6 7', 'f') },
      ids: '1 2 3 4 5 6 7',
      end: 'f',
      calls: 2,
    },
    {
      name: 'pages of nothing that can be seen on the way',
      pages: { '': aPage('', 'e'), e: aPage('', 'f'), f: aPage('1 2 3 4', 'g') },
      ids: '1 2 3 4',
      end: 'g',
      calls: 3,
    },
    {
      name: 'the last page is empty and has no end',
      pages: { '': aPage('1 2', 'e'), e: aPage('') },
      ids: '1 2',
      end: 'e',
      calls: 2,
    },
    {
      name: 'the last page has events and no end',
      pages: { '': aPage('1 2', 'e'), e: aPage('3') },
      ids: '1 2 3',
      end: 'beyond 3',
      calls: 2,
    },
    { name: 'one page without an end', pages: { '': aPage('1 2') }, ids: '1 2', end: 'beyond 2', calls: 1 },
    { name: 'nothing at all', pages: { '': aPage('') }, ids: '', end: undefined, calls: 1 },
    {
      name: 'an event that comes again alone on the next page',
      pages: { '': aPage('1 2', 'e'), e: aPage('2', 'f'), f: aPage('') },
      ids: '1 2',
      end: 'f',
      calls: 3,
    },
    {
      name: 'a page that leads back to itself',
      pages: { '': aPage('1', 'e'), e: aPage('', 'e') },
      ids: '1',
      end: 'e',
      calls: 2,
    },
    {
      name: 'pages that lead in a circle',
      pages: { '': aPage('1', 'e'), e: aPage('', 'f'), f: aPage('', 'e') },
      ids: '1',
      end: 'f',
      calls: 6,
    },
    {
      name: 'a further page that cannot be had',
      pages: { '': aPage('1', 'e'), e: new HomeserverUnavailable(502, 'gone') },
      ids: '1',
      end: 'e',
      calls: 2,
    },
    {
      name: 'a further page that is no page',
      pages: { '': aPage('1', 'e'), e: '[]' },
      ids: '1',
      end: 'e',
      calls: 2,
    },
  ])('$name -> its events once, and where it ended', async ({ pages, ids, end, calls }) => {
    const homeserver = homeserverOf(pages);
    const filled = await fill(homeserver);
    expect([filled.ids, filled.page.end]).toEqual([ids, end]);
    expect(homeserver.callsOf('streamMessages').map(([, { limit }]) => limit)).toEqual(Array(calls).fill(4));
  });

  test('ten seconds have passed -> no further page', async () => {
    const homeserver = homeserverOf({ '': aPage('1', 'e'), e: aPage('2 3 4', 'f') });
    expect((await fill(homeserver, {}, 10_000)).page.end).toBe('e');
    expect(homeserver.count('streamMessages')).toBe(1);
  });

  test('the state of every part -> in one list, as legacy events', async () => {
    const state = `,"state":[${event('s1')}]`;
    const { page } = await fill(homeserverOf({ '': aPage('1', 'e', state), e: aPage('2', 'f', state) }));
    expect(page.state).toEqual([
      expect.objectContaining({ event_id: 's1', user_id: '@a:t' }),
      expect.objectContaining({ event_id: 's1', user_id: '@a:t' }),
    ]);
  });

  test('forwards -> where the page begins and ends, and every number as it was spelled', async () => {
    const { text } = await fill(homeserverOf({ x: aPage('1', 'e') }), {
      dir: 'f',
      from: 'x' as MessagesToken,
    });
    expect(exactly(text)).toMatchObject({
      start: 's',
      end: 'e',
      chunk: [{ content: { n: { spelled: '21.0' } } }],
    });
  });

  test.each(['', 'null', '[]', '7', '{"chunk":[null]}', '{"chunk":[],"end":7}', '{"chunk":[{"type":"t"}'])(
    'a first page that cannot be read: %s -> a 502',
    async (text) => {
      await expect(fill(homeserverOf({ '': text || ' ' }))).rejects.toMatchObject({ status: 502 });
    },
  );

  test('a further page that ends in the middle -> no answer, as the client would take half of it for all', async () => {
    const half = aPage('2 3', 'f').slice(0, -20);
    await expect(fill(homeserverOf({ '': aPage('1', 'e'), e: half }))).rejects.toMatchObject({ status: 502 });
  });

  test('any history, pages of any lengths that repeat each other or show nothing -> all of it, by paging', async () => {
    const pages = fc.array(fc.record({ length: fc.nat(4), repeats: fc.boolean() }), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(pages, fc.integer({ min: 1, max: 6 }), async (lengths, limit) => {
        let next = 0;
        const answers: Record<string, string> = {};
        for (const [i, { length, repeats }] of lengths.entries()) {
          const fresh = Array.from({ length }, () => String((next += 1)));
          const ids = repeats && next > length ? [String(next - length), ...fresh] : fresh;
          answers[i === 0 ? '' : `t${i}`] = aPage(ids.join(' '), `t${i + 1}`);
        }
        answers[lengths.length === 0 ? '' : `t${lengths.length}`] = aPage('');
        const seen: string[] = [];
        for (let from: string | undefined = ''; from !== undefined;) {
          const asked: Partial<MessagesQuery> = from === '' ? {} : { from: from as MessagesToken };
          const { page, ids } = await fill(homeserverOf(answers), { limit, ...asked });
          for (const id of ids.split(' ').filter(Boolean)) if (!seen.includes(id)) seen.push(id);
          // js-sdk 0.3 takes a short page for the end, unless nothing can be seen for longer than is looked ahead.
          from = page.end;
        }
        expect(seen).toEqual(Array.from({ length: next }, (_, i) => String(i + 1)));
      }),
      { numRuns: 100 },
    );
  });
});
