import { describe, expect, test } from 'vitest';
import { readCatchUp } from '../../src/follow/catch-up.ts';
import { createPagesAhead } from '../../src/follow/page-ahead.ts';
import type { IntervalSource } from '../../src/follow/page-reader.ts';
import { remainderAt, tokenOf, type Remainder } from '../../src/follow/remainder.ts';
import { decodeCatchUpToken } from '../../src/tokens/own-tokens.ts';
import { MessagesPage } from '../../src/homeserver/messages-page.ts';
import type { ClientEvent } from '../../src/matrix/client-event.ts';
import { HomeserverError, HomeserverUnavailable } from '../../src/matrix/errors.ts';
import type { EventId, MessagesToken, RoomId, SyncToken } from '../../src/matrix/identifiers.ts';

import type { RoomTimeline } from '../../src/translate/events.ts';

const from = 'T0' as SyncToken;
const to = 'T1' as SyncToken;

/** Rooms whose history within the interval is known; pages of two events, tokens that are indices. */
class FakeHistory implements IntervalSource {
  readonly refusing = new Set<string>();
  readonly failing = new Set<string>();
  readonly givenUp = new Set<string>();
  readonly refused: string[] = [];
  readonly failed: string[] = [];
  readonly readPages: string[] = [];
  readonly rooms: Record<string, string[]>;

  constructor(rooms: Record<string, string[]>) {
    this.rooms = rooms;
  }

  async readPage({ roomId }: { roomId: RoomId }, page: MessagesToken | null) {
    this.readPages.push(`${roomId}@${page ?? 'start'}`);
    if (this.refusing.has(roomId)) throw new HomeserverError(403, Buffer.from('{}'), {});
    if (this.failing.has(roomId)) throw new HomeserverUnavailable(502, 'down');
    const start = Number(page ?? 0);
    const events = (this.rooms[roomId] ?? []).slice(start, start + 2).map(anEvent);
    const isLast = events.length === 0;
    return isLast ? { events } : { events, next: String(start + events.length) as MessagesToken };
  }

  isGivenUp = (roomId: RoomId) => this.givenUp.has(roomId);
  onRefused = (roomId: RoomId) => void this.refused.push(roomId);
  onFailure = (roomId: RoomId) => void this.failed.push(roomId);
}

function anEvent(eventId: string): ClientEvent {
  return { type: 'm.room.message', event_id: eventId as EventId };
}

function aRoom(roomId: string, timeline: string[] = [], more: Partial<RoomTimeline> = {}): RoomTimeline {
  return { roomId: roomId as RoomId, timeline: timeline.map(anEvent), sentAt: [], isWhole: false, ...more };
}

async function read(remainder: Remainder, limit: number, source: IntervalSource) {
  const given: string[] = [];
  const steps = readCatchUp(remainder, limit, source, new AbortController().signal);
  for (let step = await steps.next(); ; step = await steps.next()) {
    if (step.done === true) return { given, remainder: step.value };
    given.push(...step.value.events.map(({ event_id }) => event_id ?? ''));
  }
}

/** Follows tokens to the end, as a client does; without what is remembered, as after an eviction. */
async function followTokens(rooms: RoomTimeline[], limit: number, source: IntervalSource) {
  const given: string[] = [];
  let remainder: Remainder = { from, to, rooms };
  for (let call = 0; call < 100; call += 1) {
    const answer = await read(remainder, limit, source);
    given.push(...answer.given);
    const token = tokenOf(answer.remainder);
    if (token === to) return given;
    const position = decodeCatchUpToken(token);
    if (position === undefined) throw new Error(`not a catch-up token: ${token}`);
    remainder = remainderAt(position, rooms);
  }
  throw new Error('no end');
}

const history = { '!a': ['a1', 'a2', 'a3', 'a4', 'a5'], '!b': ['b1'], '!c': [], '!d': ['d1', 'd2'] };
const everything = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'd1', 'd2'];
const changedRooms = () => ['!a', '!b', '!c', '!d'].map((roomId) => aRoom(roomId));

describe('reading a catch-up', () => {
  test('a limit above what there is -> everything, room by room, and nothing left', async () => {
    const { given, remainder } = await read(
      { from, to, rooms: changedRooms() },
      1000,
      new FakeHistory(history),
    );
    expect(given).toEqual(everything);
    expect(tokenOf(remainder)).toBe(to);
  });

  test.each([1, 2, 3, 7])(
    'answers of %i events, each built anew from its token -> each event once',
    async (limit) => {
      expect(await followTokens(changedRooms(), limit, new FakeHistory(history))).toEqual(everything);
    },
  );

  test('a whole timeline that fits -> given by arrival, without asking for messages', async () => {
    const source = new FakeHistory({ '!a': ['a1', 'a2'] });
    const rooms = [aRoom('!a', ['a2', 'a1'], { isWhole: true })];
    const { given } = await read({ from, to, rooms }, 2, source);
    expect(given).toEqual(['a2', 'a1']);
    expect(source.readPages).toEqual([]);
  });

  test('a cut behind a whole timeline -> the token says that the room is done, whatever its last event by depth', async () => {
    const source = new FakeHistory({ '!a': ['a1', 'a2'], '!b': ['b1'] });
    const rooms = [aRoom('!a', ['a2', 'a1'], { isWhole: true }), aRoom('!b')];
    expect(await followTokens(rooms, 2, source)).toEqual(['a2', 'a1', 'b1']);
  });

  test('a whole timeline that does not fit -> read from messages alone, by depth', async () => {
    const source = new FakeHistory({ '!a': ['a1', 'a2', 'a3'] });
    const rooms = [aRoom('!a', ['a3', 'a1', 'a2'], { isWhole: true })];
    expect(await followTokens(rooms, 2, source)).toEqual(['a1', 'a2', 'a3']);
  });

  test('a remainder at hand -> no page is read twice', async () => {
    const source = new FakeHistory(history);
    let remainder: Remainder = { from, to, rooms: changedRooms() };
    while (remainder.rooms.length > 0) ({ remainder } = await read(remainder, 1, source));
    expect(source.readPages).toEqual([...new Set(source.readPages)]);
  });

  test('a left room -> nothing behind our own last leave', async () => {
    const source = new FakeHistory(history);
    const rooms = [aRoom('!a', ['a3'], { lastVisible: 'a3' as EventId }), aRoom('!b')];
    expect(await followTokens(rooms, 2, source)).toEqual(['a1', 'a2', 'a3', 'b1']);
  });

  test('a room that refuses -> what its timeline held, and the stream goes on', async () => {
    const source = new FakeHistory(history);
    source.refusing.add('!a');
    const { given } = await read({ from, to, rooms: [aRoom('!a', ['a4', 'a5']), aRoom('!b')] }, 9, source);
    expect(given).toEqual(['a4', 'a5', 'b1']);
    expect(source.refused).toContain('!a');
  });

  test('a room that we came into, and that refuses -> nothing from before our own join', async () => {
    const source = new FakeHistory(history);
    source.refusing.add('!a');
    const { given } = await read(
      { from, to, rooms: [aRoom('!a', ['a1', 'a4', 'a5'], { joinedAt: 1 })] },
      9,
      source,
    );
    expect(given).toEqual(['a4', 'a5']);
  });

  test('a room that fails -> thrown behind the last event that was given', async () => {
    const source = new FakeHistory(history);
    source.failing.add('!b');
    const steps = readCatchUp({ from, to, rooms: changedRooms() }, 9, source, new AbortController().signal);
    const given: string[] = [];
    const reading = (async () => {
      for await (const { events } of steps) given.push(...events.map(({ event_id }) => event_id ?? ''));
    })();
    await expect(reading).rejects.toThrow('down');
    expect(given).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
    expect(source.failed).toEqual(['!b']);
  });

  test('a room that is given up -> treated as one that refuses', async () => {
    const source = new FakeHistory(history);
    source.failing.add('!a');
    source.givenUp.add('!a');
    const { given } = await read({ from, to, rooms: changedRooms() }, 9, source);
    expect(given).toEqual(['b1', 'd1', 'd2']);
  });

  test('aliases events -> left out, as they always were', async () => {
    const source: IntervalSource = {
      readPage: async () => ({
        events: [{ type: 'm.room.aliases', event_id: 'x' as EventId }, anEvent('a1')],
      }),
      isGivenUp: () => false,
    };
    expect((await read({ from, to, rooms: [aRoom('!a')] }, 9, source)).given).toEqual(['a1']);
  });

  describe('pages as the homeserver wrote them', () => {
    const ofPages = (...pages: string[]): IntervalSource => ({
      readPage: async (_interval, page) => {
        const events = new MessagesPage(Buffer.from(pages[Number(page ?? 0)] ?? ''));
        return { events, ...(events.end !== undefined && { next: events.end }) };
      },
      isGivenUp: () => false,
    });
    const aliases = '{"type":"m.room.aliases","event_id":"x"}';
    const one = (id: string) => `{"type":"m.room.message","event_id":"${id}"}`;

    test('some of them in an odd way -> all events, but for aliases', async () => {
      const source = ofPages(
        `{"chunk":[${one('a1')},${aliases}],"end":"1"}`,
        `{"end":"2","chunk":[ ${one('a2')} , ${aliases}]}`,
        String.raw`{"chunk":[{"\u0074ype":"m.room.message","event_id":"a3"}]}`,
      );
      expect((await read({ from, to, rooms: [aRoom('!a')] }, 9, source)).given).toEqual(['a1', 'a2', 'a3']);
    });

    test('the event behind which it goes on -> found in its page', async () => {
      const source = ofPages(`{"chunk":[${one('a1')},${one('a2')},${one('a3')}]}`);
      expect(await followTokens([aRoom('!a')], 2, source)).toEqual(['a1', 'a2', 'a3']);
    });

    test('a page that is no JSON -> a 502, behind the last event of the page before', async () => {
      const source = ofPages(`{"chunk":[${one('a1')}],"end":"1"}`, '{"chunk":[{"type":gar],"end":"2"}');
      const steps = readCatchUp({ from, to, rooms: [aRoom('!a')] }, 9, source, new AbortController().signal);
      expect((await steps.next()).value).toMatchObject({ events: [{ event_id: 'a1' }] });
      await expect(steps.next()).rejects.toMatchObject({ status: 502 });
    });
  });

  describe('pages of which the caller sees nothing', () => {
    /** So many empty pages, then one event; counts what it is asked. */
    class Invisible implements IntervalSource {
      asked = 0;
      readonly pages: number;
      isLate = false;

      constructor(pages: number) {
        this.pages = pages;
      }

      async readPage(_interval: unknown, page: MessagesToken | null) {
        this.asked += 1;
        const next = Number(page ?? 0) + 1;
        return next > this.pages
          ? { events: [anEvent('seen')] }
          : { events: [], next: String(next) as MessagesToken };
      }

      isGivenUp = () => false;
      isTooLate = () => this.isLate;
    }

    test('without end -> an answer reads a hundred of them, and its token goes on behind them', async () => {
      const source = new Invisible(Infinity);
      const { given, remainder } = await read({ from, to, rooms: [aRoom('!a')] }, 9, source);
      expect(given).toEqual([]);
      expect(source.asked).toBe(100);
      expect(decodeCatchUpToken(tokenOf(remainder))).toEqual({
        from,
        to,
        roomId: '!a',
        page: '100',
        lastEventId: null,
      });
    });

    test('more than an answer reads -> the event behind them, from tokens alone, no page read twice', async () => {
      const source = new Invisible(250);
      expect(await followTokens([aRoom('!a')], 9, source)).toEqual(['seen']);
      expect(source.asked).toBe(251);
    });

    test('rooms of which nothing is seen -> a hundred an answer', async () => {
      const source = new FakeHistory({});
      const rooms = Array.from({ length: 150 }, (_, i) => aRoom(`!${String(i).padStart(3, '0')}`));
      const { remainder } = await read({ from, to, rooms }, 9, source);
      expect(new Set(source.readPages).size).toBeLessThanOrEqual(101);
      expect(remainder.rooms).toHaveLength(50);
      expect(await followTokens(rooms, 9, source)).toEqual([]);
    });

    test('the time of the answer is over -> it ends behind the page in hand', async () => {
      const source = new Invisible(Infinity);
      source.isLate = true;
      await read({ from, to, rooms: [aRoom('!a')] }, 9, source);
      expect(source.asked).toBe(1);
    });

    test.each([1, 2, 5])('that lead back to themselves after %i -> the room ends', async (length) => {
      const source: IntervalSource = {
        readPage: async (_interval, page) => ({
          events: [],
          next: String((Number(page ?? 0) % length) + 1) as MessagesToken,
        }),
        isGivenUp: () => false,
      };
      const { remainder } = await read({ from, to, rooms: [aRoom('!a')] }, 9, source);
      expect(tokenOf(remainder)).toBe(to);
    });
  });

  describe('pages that are asked for ahead', () => {
    const small = (room: string) =>
      new FakeHistory({ [room]: Array.from({ length: 40 }, (_, i) => `${room}${i}`) });

    test('no place is free -> each page is read when it is wanted, and all come', async () => {
      const source = Object.assign(small('!a'), { pagesAhead: { begin: () => undefined, count: 0 } });
      const { given } = await read({ from, to, rooms: [aRoom('!a')] }, 1000, source);
      expect(given).toHaveLength(40);
      expect(source.readPages).toEqual([...new Set(source.readPages)]);
    });

    test.each([1, 7, 1000])('answers of %i events -> every place is given back', async (limit) => {
      const pagesAhead = createPagesAhead(5);
      const source = Object.assign(small('!a'), { pagesAhead });
      let remainder: Remainder = { from, to, rooms: [aRoom('!a')] };
      while (remainder.rooms.length > 0) ({ remainder } = await read(remainder, limit, source));
      await new Promise((resolve) => setImmediate(resolve));
      expect(pagesAhead.count).toBe(0);
    });

    test('the client leaves in the middle -> every place is given back', async () => {
      const pagesAhead = createPagesAhead(5);
      const source = Object.assign(small('!a'), { pagesAhead });
      const client = new AbortController();
      const steps = readCatchUp({ from, to, rooms: [aRoom('!a')] }, 1000, source, client.signal);
      await steps.next();
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(pagesAhead.count).toBeGreaterThan(0);
      client.abort();
      expect(pagesAhead.count).toBe(0);
    });

    test('those of the answer before are at hand -> what lies behind them is asked for at once', async () => {
      const source = small('!a');
      const { remainder } = await read({ from, to, rooms: [aRoom('!a')] }, 10, source);
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const atHand = source.readPages.length;
      for (const retry of [1, 2]) {
        const steps = readCatchUp(remainder, 1000, source, new AbortController().signal);
        await steps.next();
        for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        // Asked for again in each try: what is remembered does not grow.
        expect(source.readPages.length).toBeGreaterThan(atHand + (retry - 1) * 5);
        const { given } = await read(remainder, 1000, source);
        expect(given).toEqual(Array.from({ length: 30 }, (_, i) => `!a${i + 10}`));
        await steps.return(remainder);
      }
    });

    test('pages of megabytes -> few wait to be taken', async () => {
      const bytes = Buffer.from(`{"chunk":[${JSON.stringify({ ...anEvent('x'), body: 'x'.repeat(3e6) })}]}`);
      let asked = 0;
      const source: IntervalSource = {
        readPage: async () => {
          asked += 1;
          const events = new MessagesPage(Buffer.from(bytes));
          return { events, next: String(asked) as MessagesToken };
        },
        isGivenUp: () => false,
      };
      const steps = readCatchUp(
        { from, to, rooms: [aRoom('!a')] },
        1000,
        source,
        new AbortController().signal,
      );
      await steps.next();
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(asked).toBeLessThanOrEqual(3);
      await steps.return({ from, to, rooms: [] });
    });
  });

  test('the reader stops -> the page that is being read ahead is aborted', async () => {
    const signals: AbortSignal[] = [];
    const source: IntervalSource = {
      readPage: async (_interval, page, { signal }) => {
        signals.push(signal);
        if (page !== null)
          await new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason)),
          );
        return { events: [anEvent('a1')], next: '1' as MessagesToken };
      },
      isGivenUp: () => false,
    };
    const steps = readCatchUp({ from, to, rooms: [aRoom('!a')] }, 9, source, new AbortController().signal);
    await steps.next();
    await steps.return({ from, to, rooms: [] });
    expect(signals).toHaveLength(2);
    expect(signals[1]?.aborted).toBe(true);
  });
});

describe('building a remainder anew', () => {
  const at = (roomId: string, lastEventId: string | null) => ({
    from,
    to,
    roomId: roomId as RoomId,
    page: null,
    lastEventId: lastEventId as EventId | null,
  });

  test('a room in progress -> it and those behind it', () => {
    expect(remainderAt(at('!b', 'b1'), changedRooms()).rooms.map(({ roomId }) => roomId)).toEqual([
      '!b',
      '!c',
      '!d',
    ]);
  });

  test('a room that is done -> only those behind it', () => {
    expect(remainderAt(at('!b', null), changedRooms()).rooms.map(({ roomId }) => roomId)).toEqual([
      '!c',
      '!d',
    ]);
  });

  test('a room in progress that is gone (forgotten) -> those behind it', () => {
    const rooms = changedRooms().filter(({ roomId }) => roomId !== '!b');
    const remainder = remainderAt(at('!b', 'b1'), rooms);
    expect(remainder.rooms.map(({ roomId }) => roomId)).toEqual(['!c', '!d']);
    expect(remainder.progress).toBeUndefined();
  });

  test('timelines -> not used, as they may hold what happened later', () => {
    const rooms = [aRoom('!c', ['later'], { isWhole: true })];
    expect(remainderAt(at('!b', null), rooms).rooms[0]).toMatchObject({ timeline: [], isWhole: false });
  });
});
