import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { SandboxHomeserver } from '../../src/sandbox/homeserver.ts';
import type { StoredEvent } from '../../src/sandbox/stored-event.ts';
import { encodeSyncToken } from '../../src/sandbox/tokens.ts';
import { aClient, aSandbox, bodiesOf, idsOf } from '../support/sandbox/sandbox-client.ts';

/** What happens in one room: something new, or a fork that arrives late, that far back in the room's history. */
const step = fc.record({ room: fc.nat(2), lateBy: fc.oneof(fc.constant(0), fc.nat(12)) });
const history = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 40 }),
  cuts: fc.tuple(fc.nat(40), fc.nat(40)),
  limit: fc.integer({ min: 1, max: 8 }),
});

function play(
  homeserver: SandboxHomeserver,
  sender: UserId,
  rooms: RoomId[],
  steps: { room: number; lateBy: number }[],
) {
  const positions = [homeserver.stream];
  for (const { room, lateBy } of steps) {
    const roomId = rooms[room] as RoomId;
    const { highestDepth } = homeserver.room(roomId).timeline;
    const depth = lateBy === 0 ? {} : { depth: Math.max(1, highestDepth - lateBy) };
    homeserver.say(sender, roomId, `m${positions.length}`, depth);
    positions.push(homeserver.stream);
  }
  return positions;
}

/** What an interval holds, found the slow way. */
function between(homeserver: SandboxHomeserver, roomId: RoomId, after: number, until: number): StoredEvent[] {
  return [...homeserver.events.values()]
    .filter((event) => event.roomId === roomId && event.stream > after && event.stream <= until)
    .toSorted((one, other) => one.depth - other.depth || one.stream - other.stream);
}

describe('an interval between two sync tokens', () => {
  test('when read in pages of any size, in either direction -> exactly what arrived in it, by depth', async () => {
    const sandbox = await aSandbox();
    const alice = aClient(sandbox, 'alice');
    const { homeserver } = sandbox;
    await fc.assert(
      fc.asyncProperty(history, async ({ steps, cuts, limit }) => {
        const rooms = [1, 2, 3].map(() => homeserver.createRoom(alice.userId));
        const positions = play(homeserver, alice.userId, rooms, steps);
        const [after = 0, until = 0] = cuts
          .map((cut) => positions[cut % positions.length] ?? 0)
          .toSorted((one, other) => one - other);
        const [older, newer] = [encodeSyncToken(after), encodeSyncToken(until)];
        for (const roomId of rooms) {
          const expected = between(homeserver, roomId, after, until).map(({ eventId }) => eventId);
          const forwards = await alice.readAll(roomId, { dir: 'f', from: older, to: newer, limit });
          expect(idsOf(forwards)).toEqual(expected);
          const backwards = await alice.readAll(roomId, { dir: 'b', from: newer, to: older, limit });
          expect(idsOf(backwards)).toEqual(expected.toReversed());
        }
      }),
      { numRuns: 25 },
    );
  });

  test('when syncs are followed and each gap is read -> each event once', async () => {
    const sandbox = await aSandbox();
    const alice = aClient(sandbox, 'alice');
    const { homeserver } = sandbox;
    const bursts = fc.array(fc.array(step, { maxLength: 12 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(bursts, fc.integer({ min: 1, max: 4 }), async (given, limit) => {
        const rooms = [1, 2, 3].map(() => homeserver.createRoom(alice.userId));
        let { next_batch: since } = await alice.sync({}, { room: { rooms: [] } });
        const [start, seen] = [homeserver.stream, [] as (string | undefined)[]];
        for (const steps of given) {
          play(homeserver, alice.userId, rooms, steps);
          const answer = await alice.sync({ since }, { room: { rooms, timeline: { limit } } });
          for (const [roomId, room] of Object.entries(answer.rooms.join)) {
            const to = room?.timeline.limited === true ? answer.next_batch : undefined;
            const gap =
              to === undefined
                ? undefined
                : await alice.readAll(roomId as RoomId, { dir: 'f', from: since, to });
            seen.push(...idsOf(gap ?? room?.timeline.events));
          }
          since = answer.next_batch;
        }
        const sent = rooms.flatMap((roomId) => between(homeserver, roomId, start, Infinity));
        expect(seen.toSorted()).toEqual(sent.map(({ eventId }) => eventId as string).toSorted());
      }),
      { numRuns: 25 },
    );
  });

  test('when a fork arrives late -> /sync gives it last, the history by its depth', async () => {
    const sandbox = await aSandbox();
    const alice = aClient(sandbox, 'alice');
    const { homeserver } = sandbox;
    const roomId = homeserver.createRoom(alice.userId);
    const { next_batch: since } = await alice.sync();
    const { depth } = homeserver.say(alice.userId, roomId, 'one');
    homeserver.say(alice.userId, roomId, 'two');
    homeserver.say(alice.userId, roomId, 'late', { depth });
    const { rooms, next_batch: to } = await alice.sync({ since });
    expect(bodiesOf(rooms.join[roomId]?.timeline.events)).toEqual(['one', 'two', 'late']);
    const interval = await alice.readAll(roomId, { dir: 'f', from: since, to });
    expect(bodiesOf(interval)).toEqual(['one', 'late', 'two']);
  });
});

describe('paging', () => {
  test('when paging back from a page, and forth again -> neither repeats nor skips', async () => {
    const sandbox = await aSandbox();
    const alice = aClient(sandbox, 'alice');
    const { homeserver } = sandbox;
    const roomId = homeserver.createRoom(alice.userId);
    for (let at = 0; at < 9; at += 1) homeserver.say(alice.userId, roomId, `m${at}`);
    type Page = { chunk: object[]; start: string; end: string };
    const back = await alice.get<Page>(`/rooms/${roomId}/messages?dir=b&limit=4`);
    expect(bodiesOf(back.chunk as never)).toEqual(['m8', 'm7', 'm6', 'm5']);
    const further = await alice.get<Page>(`/rooms/${roomId}/messages?dir=b&limit=2&from=${back.end}`);
    expect(bodiesOf(further.chunk as never)).toEqual(['m4', 'm3']);
    const forth = await alice.readAll(roomId, { dir: 'f', from: further.end, limit: 2 });
    expect(bodiesOf(forth)).toEqual(['m3', 'm4', 'm5', 'm6', 'm7', 'm8']);
  });

  test('when nothing lies beyond -> an empty chunk without end; limit 0 -> an empty chunk with it', async () => {
    const sandbox = await aSandbox();
    const alice = aClient(sandbox, 'alice');
    const roomId = sandbox.homeserver.createRoom(alice.userId);
    const { next_batch: now } = await alice.sync();
    const path = `/rooms/${roomId}/messages?from=${now}`;
    expect(await alice.get(`${path}&dir=f`)).toEqual({ chunk: [], start: now });
    expect(await alice.get(`${path}&dir=b&limit=0`)).toEqual({ chunk: [], start: now, end: now });
  });

  test('when a context is asked for without limit -> tokens right before and after the event', async () => {
    const sandbox = await aSandbox();
    const alice = aClient(sandbox, 'alice');
    const { homeserver } = sandbox;
    const roomId = homeserver.createRoom(alice.userId);
    const [, two] = ['one', 'two', 'three'].map((text) => homeserver.say(alice.userId, roomId, text));
    const path = `/rooms/${roomId}/context/${encodeURIComponent(two?.eventId ?? '')}`;
    const { start, end, ...context } = await alice.get<{ start: string; end: string }>(`${path}?limit=0`);
    expect(context).toMatchObject({
      event: { content: { body: 'two' } },
      events_before: [],
      events_after: [],
    });
    expect(bodiesOf(await alice.readAll(roomId, { dir: 'b', from: start }))).toEqual(['one']);
    expect(bodiesOf(await alice.readAll(roomId, { dir: 'b', from: end }))).toEqual(['two', 'one']);
    expect(bodiesOf(await alice.readAll(roomId, { dir: 'f', from: end }))).toEqual(['three']);
  });

  test.each(['x', 't5-7_1', 'sbm_', 'sbm_eA', 'sbx_MDE'])(
    'when from is %j -> 400 in the words of Synapse',
    async (from) => {
      const sandbox = await aSandbox();
      const alice = aClient(sandbox, 'alice');
      const roomId = sandbox.homeserver.createRoom(alice.userId);
      const answer = await alice.request('GET', `/rooms/${roomId}/messages?dir=f&from=${from}`);
      expect(answer).toMatchObject({
        status: 400,
        body: { errcode: 'M_UNKNOWN', error: "'from' parameter is invalid" },
      });
    },
  );
});

describe('who left', () => {
  async function aLeftRoom() {
    const sandbox = await aSandbox();
    const { homeserver } = sandbox;
    const alice = aClient(sandbox, 'alice');
    const bob = aClient(sandbox, 'bob');
    const roomId = homeserver.createRoom(bob.userId, { preset: 'public_chat' });
    homeserver.join(alice.userId, roomId);
    const { next_batch: since } = await alice.sync();
    homeserver.say(bob.userId, roomId, 'before');
    homeserver.leave(alice.userId, roomId);
    homeserver.say(bob.userId, roomId, 'after');
    return { alice, roomId, since };
  }

  test('when reading backwards -> from the leave', async () => {
    const { alice, roomId, since } = await aLeftRoom();
    expect(bodiesOf(await alice.readAll(roomId, { dir: 'b', to: since }))).toEqual(['before']);
  });

  test('when reading forwards -> past the leave, as Synapse does in a shared room', async () => {
    const { alice, roomId, since } = await aLeftRoom();
    expect(bodiesOf(await alice.readAll(roomId, { dir: 'f', from: since }))).toEqual(['before', 'after']);
  });
});
