import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeTranslated } from '../../../src/endpoints/streamed/translated-answer.ts';
import { createSpool } from '../../../src/endpoints/streamed/spool.ts';
import { eventsOf, roomsOf, type RoomUpdate, type SyncResponse } from '../../../src/matrix/sync.ts';
import { membershipOf } from '../../../src/matrix/client-event.ts';
import type { InitialSyncResponse, LegacyRoom } from '../../../src/matrix/legacy.ts';
import type { RoomId } from '../../../src/matrix/identifiers.ts';
import { JsonReader } from '../../../src/stream/json-reader.ts';
import { AnswerOutput } from '../../../src/translate/answer-output.ts';
import { InitialSyncTranslation } from '../../../src/translate/initial-sync.ts';
import { me, syncResponse } from '../../support/generated-sync.ts';

interface Given {
  text: string;
  chunkLength?: number;
  archived?: boolean;
  maxMemoryBytes?: number;
}

async function translate({
  text,
  chunkLength = 64 * 1024,
  archived = true,
  maxMemoryBytes = 1 << 20,
}: Given): Promise<string> {
  const bytes = Buffer.from(text);
  const spool = createSpool({ maxMemoryBytes });
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkLength)
      yield Buffer.from(bytes.subarray(at, at + chunkLength));
  }
  const answer = writeTranslated({
    isSyncToken: () => true,
    chunks: chunks(),
    spool,
    visibility: { askAhead: () => {}, of: async (roomId) => (roomId.includes('1') ? 'public' : 'private') },
    translate: (out, inviteOf) =>
      new InitialSyncTranslation(
        {
          userId: me,
          archived,
          isRaw: false,
          nowMs: 1_000,
          roomToken: (roomId, eventId, side) => `${side} ${eventId ?? 'now'} in ${roomId}`,
          inviteOf,
        },
        out,
      ),
    readInvites: async () => new Map(),
  });
  let written = '';
  for await (const piece of answer) written += piece.toString();
  await spool.close();
  return written;
}

const translated = async (given: Given) => JSON.parse(await translate(given)) as InitialSyncResponse;

const isBanned = (room: RoomUpdate) => {
  const own = [...eventsOf(room.state), ...eventsOf(room.timeline)].findLast(
    ({ state_key }) => state_key === me,
  );
  return own !== undefined && membershipOf(own) === 'ban';
};

/** The rooms that shall be shown, and as what. */
function shownRooms({ rooms }: SyncResponse): [RoomId, LegacyRoom['membership'], RoomUpdate][] {
  return [
    ...roomsOf(rooms?.join).map(([id, room]) => [id, 'join', room] as [RoomId, 'join', RoomUpdate]),
    ...roomsOf(rooms?.leave)
      .filter(([, room]) => room !== null && !isBanned(room))
      .map(([id, room]) => [id, 'leave', room] as [RoomId, 'leave', RoomUpdate]),
  ];
}

describe('writeInitialSync', () => {
  test('any answer, in chunks of any length -> every event of a room once, in order, none invented', async () => {
    await fc.assert(
      fc.asyncProperty(syncResponse, fc.integer({ min: 1, max: 400 }), async (sync, chunkLength) => {
        const legacy = await translated({ text: JSON.stringify(sync), chunkLength });
        const byId = new Map(legacy.rooms.map((room) => [room.room_id, room]));
        const shown = shownRooms(sync);
        const invited = roomsOf(sync.rooms?.invite);
        expect([...byId.keys()].toSorted()).toEqual(
          [...shown.map(([id]) => id), ...invited.map(([id]) => id)].toSorted(),
        );
        for (const [id, membership, room] of shown) {
          const answer = byId.get(id);
          expect(answer?.membership).toBe(membership);
          expect(answer?.messages.chunk.map(({ event_id }) => event_id)).toEqual(
            eventsOf(room.timeline).map(({ event_id }) => event_id),
          );
          const current = new Map<string, unknown>();
          for (const event of [...eventsOf(room.state), ...eventsOf(room.timeline)]) {
            if (event.state_key !== undefined)
              current.set(`${event.type} ${event.state_key}`, event.event_id);
          }
          const given =
            answer?.state.map((event) => [`${event.type} ${event.state_key}`, event.event_id] as const) ?? [];
          // State repeated before the timeline stands as often as it came; what the timeline has stands once.
          expect(new Map(given)).toEqual(current);
        }
      }),
      { numRuns: 300 },
    );
  });

  // Differs: invited-rooms-last
  test('any answer -> every key that old clients iterate is an array, invited rooms last', async () => {
    await fc.assert(
      fc.asyncProperty(syncResponse, async (sync) => {
        const legacy = await translated({ text: JSON.stringify(sync), archived: false });
        expect(Object.keys(legacy).toSorted()).toEqual([
          'account_data',
          'end',
          'presence',
          'receipts',
          'rooms',
        ]);
        expect(Object.keys(legacy).at(-1)).toBe('end');
        const arrays = legacy.rooms.flatMap(({ messages, state, account_data }) => [
          messages.chunk,
          state,
          account_data,
        ]);
        expect([legacy.presence, legacy.receipts, legacy.account_data, ...arrays].every(Array.isArray)).toBe(
          true,
        );
        const memberships = legacy.rooms.map(({ membership }) => membership);
        expect(memberships).not.toContain('leave');
        expect(memberships).toEqual(memberships.toSorted((a, b) => (a === b ? 0 : a === 'join' ? -1 : 1)));
        expect(legacy.presence.some(({ content }) => content?.['presence'] === 'offline')).toBe(false);
        expect(JSON.stringify(legacy)).not.toContain('m.push_rules');
        expect(JSON.stringify(legacy)).not.toContain('m.typing');
      }),
      { numRuns: 200 },
    );
  });

  test('what must wait is in a file instead of memory -> the same answer', async () => {
    await fc.assert(
      fc.asyncProperty(syncResponse, async (sync) => {
        const text = JSON.stringify(sync);
        expect(await translate({ text, maxMemoryBytes: 0 })).toBe(await translate({ text }));
      }),
      { numRuns: 100 },
    );
  });

  const aRoom = (room: object, sections: object = {}) =>
    JSON.stringify({ rooms: { join: { '!a': room }, ...sections }, next_batch: 's9' });
  const anEvent = (id: string, more: object = {}) => ({
    type: 'm.room.message',
    event_id: id,
    sender: '@b:x',
    content: {},
    ...more,
  });

  test.each([
    { name: 'limited', timeline: { limited: true, prev_batch: 'p', events: [anEvent('$1')] }, start: 'p' },
    { name: 'not limited', timeline: { prev_batch: 'p', events: [anEvent('$1')] }, start: 'before $1 in !a' },
    { name: 'empty', timeline: { limited: true, prev_batch: 'p', events: [] }, start: 'p' },
    { name: 'missing', timeline: undefined, start: 'after now in !a' },
  ])(
    'a timeline that is $name -> messages.start is where paging back goes on',
    async ({ timeline, start }) => {
      const { rooms } = await translated({ text: aRoom({ timeline }) });
      expect(rooms[0]?.messages.start).toBe(start);
    },
  );

  test('a left room, a timeline of state events: what waits or comes twice -> is in the spool, not in memory', async () => {
    const state = (i: number) => ({
      type: 'm.room.topic',
      state_key: String(i),
      sender: me,
      event_id: `$${i}`,
      content: { topic: 'x'.repeat(5000) },
    });
    const events = Array.from({ length: 200 }, (_, i) => state(i));
    const room = { timeline: { events }, state: { events } };
    const text = JSON.stringify({ next_batch: 's9', rooms: { join: { '!a': room }, leave: { '!b': room } } });
    const out = new AnswerOutput(1024);
    let most = 0;
    let held = 0;
    const translation = new InitialSyncTranslation(
      {
        userId: me,
        archived: true,
        isRaw: false,
        nowMs: 0,
        roomToken: () => 't',
        inviteOf: () => undefined,
      },
      out,
    );
    const reader = new JsonReader(translation.visitor);
    for (let at = 0; at < text.length; at += 4096) {
      reader.push(Buffer.from(text.slice(at, at + 4096)));
      const holds = out.takeMarks().flatMap(({ mark }) => (mark.kind === 'hold' ? [mark.bytes.length] : []));
      held += holds.reduce((sum, length) => sum + length, 0);
      most = Math.max(most, out.drain().length, ...holds);
    }
    reader.end();
    // Of the joined room the timeline's state, of the left one all three of its lists.
    expect(held).toBeGreaterThan(4 * 200 * 5000);
    expect(most).toBeLessThan(64 * 1024);
  });

  test('next_batch last -> messages.end is the place behind the last event', async () => {
    const { rooms, end } = await translated({
      text: aRoom({ timeline: { events: [anEvent('$1'), anEvent('$2')] } }),
    });
    expect(rooms[0]?.messages.end).toBe('after $2 in !a');
    expect(end).toBe('s9');
  });

  test('state before the timeline -> the timeline has the last word', async () => {
    const old = anEvent('$old', { type: 'm.room.topic', state_key: '' });
    const other = anEvent('$name', { type: 'm.room.name', state_key: '' });
    const changed = anEvent('$new', { type: 'm.room.topic', state_key: '' });
    const text = aRoom({ state: { events: [old, other] }, timeline: { events: [changed] } });
    const ids = (await translated({ text })).rooms[0]?.state.map(({ event_id }) => event_id);
    expect(ids?.toSorted()).toEqual(['$name', '$new']);
  });

  test('a ban that only the state tells of -> the left room is not shown, nor its state in another', async () => {
    const ban = anEvent('$ban', { type: 'm.room.member', state_key: me, content: { membership: 'ban' } });
    const leave = {
      '!banned': { state: { events: [ban] } },
      '!left': { timeline: { events: [anEvent('$1')] } },
    };
    const { rooms } = await translated({ text: aRoom({}, { leave }) });
    expect(rooms.map(({ room_id }) => room_id)).toEqual(['!a', '!left']);
    expect(rooms.flatMap(({ state }) => state)).toEqual([]);
  });

  test('unsigned.transaction_id -> nowhere; unsigned.membership -> in the chunk alone, as from Synapse itself', async () => {
    const unsigned = { age: 1, membership: 'join', transaction_id: 't' };
    const event = anEvent('$1', { type: 'm.room.topic', state_key: '', unsigned });
    const room = (await translated({ text: aRoom({ timeline: { events: [event] } }) })).rooms[0];
    expect(room?.messages.chunk[0]?.unsigned).toEqual({ age: 1, membership: 'join' });
    expect(room?.state[0]?.unsigned).toEqual({ age: 1 });
  });

  test('an invite -> its inviter, the event with the stripped state, empty messages and state', async () => {
    const events = [
      { type: 'm.room.name', state_key: '', content: { name: 'N' }, sender: '@b:x' },
      { type: 'm.room.member', state_key: me, content: { membership: 'invite' }, sender: '@b:x' },
    ];
    const { rooms } = await translated({
      text: aRoom({}, { invite: { '!i': { invite_state: { events } } } }),
    });
    expect(rooms[1]).toMatchObject({
      room_id: '!i',
      membership: 'invite',
      visibility: 'private',
      inviter: '@b:x',
      invite: { type: 'm.room.member', room_id: '!i', user_id: '@b:x', invite_room_state: [events[0]] },
      messages: { chunk: [], start: 's9', end: 's9' },
      state: [],
    });
  });

  test('receipts -> at the top, with their room, whichever key of them comes first', async () => {
    const ephemeral = {
      events: [
        { content: { $1: {} }, type: 'm.receipt' },
        { type: 'm.typing', content: {} },
      ],
    };
    expect((await translated({ text: aRoom({ ephemeral }) })).receipts).toEqual([
      { room_id: '!a', type: 'm.receipt', content: { $1: {} } },
    ]);
  });

  test.each([
    '[]',
    '"x"',
    '{}',
    '{"next_batch":"s1"',
    'nonsense',
    '{"next_batch":"s1","rooms":{"join":{"!a":{"timeline":{"events":[{]}}}}}',
  ])('an answer that cannot be read (%s) -> 502', async (text) => {
    await expect(translate({ text })).rejects.toMatchObject({ status: 502, errcode: 'M_UNKNOWN' });
  });
});
