import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSpool } from '../../../src/endpoints/streamed/spool.ts';
import { writeTranslated } from '../../../src/endpoints/streamed/translated-answer.ts';
import { V2AlphaSyncTranslation } from '../../../src/translate/v2-alpha-sync.ts';
import type { ClientEvent, EphemeralEvent } from '../../../src/matrix/client-event.ts';
import type { RoomId } from '../../../src/matrix/identifiers.ts';
import { eventsOf, roomsOf, type RoomUpdate, type SyncResponse } from '../../../src/matrix/sync.ts';
import { draftA, draftB, type V2AlphaDraft } from '../../../src/translate/v2-alpha-draft.ts';
import { inChunks } from '../../support/fake-homeserver.ts';
import { me, syncResponse } from '../../support/generated-sync.ts';

interface Given {
  text: string;
  draft?: V2AlphaDraft;
  chunkLength?: number;
  maxMemoryBytes?: number;
}

async function translate({
  text,
  draft = draftB,
  chunkLength = 64 * 1024,
  maxMemoryBytes = 1 << 20,
}: Given): Promise<string> {
  const spool = createSpool({ maxMemoryBytes });
  const answer = writeTranslated({
    isSyncToken: () => true,
    chunks: inChunks(text, chunkLength),
    spool,
    visibility: { askAhead: () => {}, of: async (roomId) => (roomId.includes('1') ? 'public' : 'private') },
    translate: (out, inviteOf) =>
      new V2AlphaSyncTranslation(
        {
          draft,
          userId: me,
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

interface RoomOfDraftB {
  event_map: Record<string, ClientEvent>;
  state: { events: string[] };
  timeline: { events: string[]; limited: boolean; prev_batch: string };
  ephemeral?: { events: EphemeralEvent[] };
  private_user_data?: { events: EphemeralEvent[] };
}

interface DraftB {
  next_batch: string;
  presence: { events: EphemeralEvent[] };
  rooms: {
    joined: Record<RoomId, RoomOfDraftB>;
    invited: Record<RoomId, { invite_state: { events: unknown[] } }>;
    archived: Record<RoomId, RoomOfDraftB>;
  };
}

interface RoomOfDraftA {
  room_id: RoomId;
  event_map: Record<string, ClientEvent>;
  events: { batch: string[]; prev_batch: string };
  state: string[];
  limited: boolean;
  published: boolean;
  ephemeral: EphemeralEvent[];
}

interface DraftA {
  next_batch: string;
  public_user_data: EphemeralEvent[];
  private_user_data: [];
  rooms: RoomOfDraftA[];
}

const inDraftB = async (given: Given) => JSON.parse(await translate(given)) as DraftB;
const inDraftA = async (given: Given) => JSON.parse(await translate({ ...given, draft: draftA })) as DraftA;

/** An id → the event that a modern client would have got. */
const lookUp = (map: Record<string, ClientEvent>, id: string) => ({ ...map[id], event_id: id });

/** A room as the modern answer has it, with nothing missing and nothing null. */
function modernRoom(room: RoomUpdate, isJoined: boolean) {
  return {
    state: eventsOf(room.state),
    timeline: eventsOf(room.timeline),
    limited: room.timeline?.limited ?? false,
    prevBatch: room.timeline?.prev_batch ?? undefined,
    ephemeral: isJoined ? eventsOf(room.ephemeral) : undefined,
    accountData: eventsOf(room.account_data),
  };
}

/** The same of draft B, its ids replaced by what they point to. */
function rebuilt(roomId: RoomId, { event_map: map, ...room }: RoomOfDraftB) {
  const { prev_batch: prevBatch, limited, events } = room.timeline;
  return {
    state: room.state.events.map((id) => lookUp(map, id)),
    timeline: events.map((id) => lookUp(map, id)),
    limited,
    // Ours, where the homeserver has none.
    prevBatch: / in !/.test(prevBatch) ? undefined : prevBatch,
    ephemeral: room.ephemeral?.events.map(({ room_id, ...event }) => {
      expect(room_id).toBe(roomId);
      return event;
    }),
    accountData: room.private_user_data?.events ?? [],
  };
}

const read = (path: string): DraftB & SyncResponse =>
  JSON.parse(readFileSync(new URL(`../../golden/v2-alpha-sync/${path}`, import.meta.url), 'utf8'));

describe('the example of the draft', () => {
  /** What the example has and no homeserver ever sent: `age` as a string, `txn_id` for `transaction_id`. */
  const withoutOddities = (answer: DraftB): unknown =>
    JSON.parse(JSON.stringify(answer), (_key, value: unknown) => {
      if (typeof value !== 'object' || value === null || !('txn_id' in value)) return value;
      const { age, txn_id, ...rest } = value as { age?: string; txn_id: string };
      return { ...rest, age: Number(age), transaction_id: txn_id };
    });

  test('the modern answer that says the same -> the example, but for its oddities', async () => {
    const answer = await inDraftB({ text: JSON.stringify(read('seed/upstream.json')) });
    const example = read('seed/legacy.json');
    expect(JSON.stringify(example)).toContain('"age":"124524"');
    expect(answer).toEqual(withoutOddities(example));
  });
});

describe('draft B', () => {
  test('any answer, ids replaced by what they point to -> the modern answer', async () => {
    await fc.assert(
      fc.asyncProperty(syncResponse, fc.integer({ min: 1, max: 400 }), async (sync, chunkLength) => {
        const answer = await inDraftB({ text: JSON.stringify(sync), chunkLength });
        expect(answer.next_batch).toBe(sync.next_batch);
        expect(answer.presence.events).toEqual(eventsOf(sync.presence));
        for (const [section, modern] of [
          ['joined', sync.rooms?.join],
          ['archived', sync.rooms?.leave],
        ] as const) {
          const rooms = roomsOf(answer.rooms[section]);
          expect(new Map(rooms.map(([id, room]) => [id, rebuilt(id, room)]))).toEqual(
            new Map(roomsOf(modern).map(([id, room]) => [id, modernRoom(room, section === 'joined')])),
          );
          for (const [, { event_map: map, state, timeline }] of rooms) {
            expect(new Set(Object.keys(map))).toEqual(new Set([...state.events, ...timeline.events]));
            for (const entry of Object.values(map)) {
              expect(entry).not.toHaveProperty('event_id');
              expect(entry).not.toHaveProperty('room_id');
            }
          }
        }
        expect(new Map(roomsOf(answer.rooms.invited))).toEqual(
          new Map(
            roomsOf(sync.rooms?.invite).map(([id, { invite_state }]) => [
              id,
              { invite_state: { events: eventsOf(invite_state) } },
            ]),
          ),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('draft A', () => {
  // Differs: draft-a-lists-left-rooms
  test('any answer, ids replaced by what they point to -> the modern timeline and state', async () => {
    await fc.assert(
      fc.asyncProperty(syncResponse, fc.integer({ min: 1, max: 400 }), async (sync, chunkLength) => {
        const answer = await inDraftA({ text: JSON.stringify(sync), chunkLength });
        expect(Object.keys(answer).toSorted()).toEqual([
          'next_batch',
          'private_user_data',
          'public_user_data',
          'rooms',
        ]);
        expect(answer.public_user_data.map(({ content }) => content?.['presence'])).toEqual(
          eventsOf(sync.presence).map(({ content }) => content?.['presence']),
        );
        const modern = [...roomsOf(sync.rooms?.join), ...roomsOf(sync.rooms?.leave)];
        const invited = roomsOf(sync.rooms?.invite).map(([id]) => id);
        expect(new Set(answer.rooms.map(({ room_id }) => room_id))).toEqual(
          new Set([...modern.map(([id]) => id), ...invited]),
        );
        const byId = new Map(answer.rooms.map((room) => [room.room_id, room]));
        for (const [id, room] of modern) {
          const given = byId.get(id);
          const map = given?.event_map ?? {};
          expect(given?.state.map((one) => lookUp(map, one))).toEqual(eventsOf(room.state));
          expect(given?.events.batch.map((one) => lookUp(map, one))).toEqual(eventsOf(room.timeline));
          expect(given?.limited).toBe(room.timeline?.limited ?? false);
          expect(given?.published).toBe(id.includes('1'));
          expect(given?.ephemeral).toBeInstanceOf(Array);
        }
        for (const id of invited) {
          const given = byId.get(id);
          expect(given?.events.batch).toHaveLength(1);
          expect(given?.event_map[given.events.batch[0] ?? '']).toMatchObject({
            type: 'm.room.member',
            state_key: me,
            content: { membership: 'invite' },
          });
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('writeV2AlphaSync', () => {
  test.each([draftA, draftB])(
    'what must wait is in a file instead of memory -> the same answer',
    async (draft) => {
      await fc.assert(
        fc.asyncProperty(syncResponse, async (sync) => {
          const text = JSON.stringify(sync);
          expect(await translate({ text, draft, maxMemoryBytes: 0 })).toBe(await translate({ text, draft }));
        }),
        { numRuns: 100 },
      );
    },
  );

  const anEvent = (id: string, more: object = {}) => ({
    type: 'm.room.message',
    event_id: id,
    sender: '@b:x',
    content: {},
    ...more,
  });
  const aRoom = (room: object) => JSON.stringify({ rooms: { join: { '!a': room } }, next_batch: 's9' });

  test.each(['timeline first', 'state first'])(
    'an event in state and timeline, %s -> stands once in the map',
    async (order) => {
      const timeline = { events: [anEvent('$1', { state_key: '' }), anEvent('$2')] };
      const state = { events: [anEvent('$0', { state_key: 'x' }), anEvent('$1', { state_key: '' })] };
      const text = aRoom(order === 'state first' ? { state, timeline } : { timeline, state });
      const written = await translate({ text });
      expect(written.match(/"\$1":\{/g)).toHaveLength(1);
      const room = (JSON.parse(written) as DraftB).rooms.joined['!a' as RoomId];
      expect(room?.state.events).toEqual(['$0', '$1']);
      expect(room?.timeline.events).toEqual(['$1', '$2']);
    },
  );

  test('ids that are names of JavaScript -> are keys like any others', async () => {
    const event = '{"type":"t","event_id":"__proto__","content":{"__proto__":{"a":1}}}';
    const text = `{"next_batch":"s1","rooms":{"join":{"__proto__":{"timeline":{"events":[${event}]}}}}}`;
    expect(await translate({ text })).toContain(
      '"joined":{"__proto__":{"event_map":{"__proto__":{"type":"t","content":{"__proto__":{"a":1}}}}',
    );
  });

  test('numbers, keys and text with escapes -> as the homeserver wrote them', async () => {
    const event =
      '{"content":{"n":12345678901234567890,"e":1e2},"event_id":"$\\u0061\\"","\\u0072oom_id":"!a","type":"t"}';
    const text = `{"next_batch":"s1","rooms":{"join":{"!\\"":{"timeline":{"events":[${event}]}}}}}`;
    expect(await translate({ text })).toContain(
      '"!\\"":{"event_map":{"$a\\"":{"content":{"n":12345678901234567890,"e":1e2},"type":"t"}}',
    );
  });

  test('an event with more keys than are looked at in its bytes -> in the map all the same', async () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]));
    const { rooms } = await inDraftB({ text: aRoom({ timeline: { events: [anEvent('$1', many)] } }) });
    const { event_id: _id, ...entry } = anEvent('$1', many);
    expect(rooms.joined['!a' as RoomId]?.event_map['$1']).toEqual(entry);
  });

  test('an event without an id -> gets one, the same every time', async () => {
    const text = aRoom({ timeline: { events: [{ type: 't' }] }, state: { events: [] } });
    const answer = await inDraftB({ text });
    expect(answer.rooms.joined['!a' as RoomId]?.timeline.events).toEqual([
      expect.stringMatching(/^\$.{43}$/),
    ]);
    expect(await inDraftB({ text, chunkLength: 1 })).toEqual(answer);
  });

  // Differs: draft-rooms-have-prev-batch
  test('a timeline without prev_batch -> one of ours, before its first event', async () => {
    const { rooms } = await inDraftB({ text: aRoom({ timeline: { events: [anEvent('$1')] } }) });
    expect(rooms.joined['!a' as RoomId]?.timeline.prev_batch).toBe('before $1 in !a');
  });

  test('nothing but next_batch -> all that the drafts always had, empty', async () => {
    const text = '{"next_batch":"s1"}';
    expect(await inDraftB({ text })).toEqual({
      next_batch: 's1',
      rooms: { joined: {}, invited: {}, archived: {} },
      presence: { events: [] },
    });
    expect(await inDraftA({ text })).toEqual({
      next_batch: 's1',
      rooms: [],
      public_user_data: [],
      private_user_data: [],
    });
  });

  // Differs: draft-a-invites-carry-state
  test('draft A, an invite -> in the list, with what is shown of the room as its state', async () => {
    const name = { type: 'm.room.name', state_key: '', content: { name: 'N' }, sender: '@b:x' };
    const invite = {
      type: 'm.room.member',
      state_key: me,
      content: { membership: 'invite' },
      sender: '@b:x',
    };
    const rooms = { invite: { '!i': { invite_state: { events: [name, invite] } } } };
    const answer = await inDraftA({ text: JSON.stringify({ next_batch: 's1', rooms }) });
    const [room] = answer.rooms;
    expect(room?.state.map((id) => room.event_map[id])).toEqual([name]);
    expect(room?.events.batch.map((id) => room.event_map[id])).toMatchObject([invite]);
    expect(room).toMatchObject({ room_id: '!i', limited: false, published: false, ephemeral: [] });
  });

  test.each([
    '[]',
    '{}',
    '{"next_batch":1}',
    '{"next_batch":"s1"',
    'nonsense',
    aRoom({ timeline: { events: [3] } }),
  ])('an answer that cannot be read (%s) -> 502', async (text) => {
    await expect(translate({ text })).rejects.toMatchObject({ status: 502, errcode: 'M_UNKNOWN' });
  });
});
