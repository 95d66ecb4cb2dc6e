import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClientEvent } from '../../src/matrix/client-event.ts';
import type { EventId, RoomId, SyncToken } from '../../src/matrix/identifiers.ts';
import { eventsOf, roomsOf, type RoomUpdate, type SyncResponse } from '../../src/matrix/sync.ts';
import {
  countRoomEvents,
  isSilent,
  mergeTimelines,
  type RoomEvent,
  type RoomTimeline,
} from '../../src/translate/events.ts';
import { deepFreeze, me, syncResponse } from '../support/generated-sync.ts';
import { ephemeralOf, parsedEvent, readUpdate } from '../support/read-update.ts';

const idsOf = (events: readonly { event_id?: EventId | undefined }[]) =>
  events.map(({ event_id }) => event_id);

const roomsWithHistory = ({ rooms }: SyncResponse): [RoomId, RoomUpdate][] => [
  ...roomsOf(rooms?.join),
  ...roomsOf(rooms?.leave),
];

/** An answer with one joined room. */
function withRoom(room: object, section: 'join' | 'leave' = 'join'): SyncResponse {
  return { next_batch: 's1' as SyncToken, rooms: { [section]: { '!a:test': room } } };
}

describe('an incremental /sync, for any answer', () => {
  test('-> every timeline event once, in its room, in order, and none else', () => {
    fc.assert(
      fc.property(syncResponse, (sync) => {
        const update = readUpdate(sync);
        const given = new Map(update.rooms.map(({ roomId, timeline }) => [roomId, idsOf(timeline)]));
        for (const [roomId, room] of roomsWithHistory(sync)) {
          const expected = idsOf(eventsOf(room.timeline));
          expect(given.get(roomId) ?? []).toEqual(expected);
          given.delete(roomId);
        }
        expect([...given]).toEqual([]);
      }),
    );
  });

  test('-> rooms by id, invites and knocks once each', () => {
    fc.assert(
      fc.property(syncResponse, (sync) => {
        const { rooms, pendingRooms } = readUpdate(sync);
        const ids = rooms.map(({ roomId }) => roomId);
        expect(ids).toEqual(ids.toSorted());
        expect(pendingRooms.map(({ roomId, membership }) => `${membership} ${roomId}`)).toEqual([
          ...roomsOf(sync.rooms?.invite).map(([roomId]) => `invite ${roomId}`),
          ...roomsOf(sync.rooms?.knock).map(([roomId]) => `knock ${roomId}`),
        ]);
      }),
    );
  });

  test('-> a limited timeline is not whole, and its room is there even without events', () => {
    fc.assert(
      fc.property(syncResponse, (sync) => {
        const { rooms } = readUpdate(sync);
        const limited = roomsWithHistory(sync).filter(([, room]) => room.timeline?.limited === true);
        expect(rooms.filter(({ isWhole }) => !isWhole).map(({ roomId }) => roomId)).toEqual(
          limited.map(([roomId]) => roomId).toSorted(),
        );
      }),
    );
  });

  test('-> presence, typing, receipts, account data in this order, each once, no push rules', () => {
    const order = ['m.presence', 'm.typing', 'm.receipt', 'm.tag'];
    fc.assert(
      fc.property(syncResponse, (sync) => {
        const ephemeral = ephemeralOf(readUpdate(sync));
        // Account data of other types comes last.
        const ranks = ephemeral.map(({ type }) =>
          order.includes(type) ? order.indexOf(type) : order.length,
        );
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
        expect(ephemeral.map(({ type }) => type)).not.toContain('m.push_rules');
        const joined = roomsOf(sync.rooms?.join).flatMap(([, room]) => eventsOf(room.ephemeral));
        const accountData = [
          ...eventsOf(sync.account_data).filter(({ type }) => type !== 'm.push_rules'),
          ...roomsWithHistory(sync).flatMap(([, room]) => eventsOf(room.account_data)),
        ];
        expect(ephemeral).toHaveLength(eventsOf(sync.presence).length + joined.length + accountData.length);
      }),
    );
  });

  test('-> silent only where nothing is in it; its room events are counted', () => {
    fc.assert(
      fc.property(syncResponse, (sync) => {
        const update = readUpdate(sync);
        const { rooms, pendingRooms, ephemeral } = update;
        expect(isSilent(update)).toBe(rooms.length + pendingRooms.length + ephemeral.length === 0);
        expect(countRoomEvents(update)).toBe(rooms.flatMap(({ timeline }) => timeline).length);
      }),
    );
  });
});

describe('an incremental /sync', () => {
  test.each([
    { name: 'nothing', sync: {} },
    { name: 'nulls', sync: { rooms: null, presence: null, account_data: null } },
    { name: 'null sections', sync: { rooms: { join: null, invite: null, knock: null, leave: null } } },
    { name: 'to-device messages', sync: { to_device: { events: [{ type: 'm.room_key' }] } } },
    { name: 'counts only', sync: withRoom({ unread_notifications: {}, summary: {} }) },
    { name: 'state only', sync: withRoom({ state: { events: [{ type: 'm.room.topic', state_key: '' }] } }) },
    { name: 'push rules', sync: { account_data: { events: [{ type: 'm.push_rules', content: {} }] } } },
    {
      name: 'aliases',
      sync: withRoom({ timeline: { events: [{ type: 'm.room.aliases', state_key: 'x' }] } }),
    },
  ])('$name -> silent', ({ sync }) => {
    expect(isSilent(readUpdate({ next_batch: 's1' as SyncToken, ...sync }))).toBe(true);
  });

  test('a left room -> ends at our own last leave', () => {
    const events = [
      { type: 'm.room.member', state_key: me, event_id: '$1', content: { membership: 'leave' } },
      { type: 'm.room.member', state_key: '@b:test', event_id: '$2', content: { membership: 'leave' } },
    ];
    expect(readUpdate(withRoom({ timeline: { events } }, 'leave')).rooms).toMatchObject([
      { roomId: '!a:test', lastVisible: '$1', isWhole: true },
    ]);
  });

  test('what belongs to a room -> has its id; what does not, has none', () => {
    const sync: SyncResponse = {
      ...withRoom({
        ephemeral: { events: [{ type: 'm.typing', content: { user_ids: [] } }] },
        account_data: { events: [{ type: 'm.fully_read' }, { type: 'm.tag', content: { tags: {} } }] },
      }),
      account_data: { events: [{ type: 'm.direct' }] },
    };
    expect(ephemeralOf(readUpdate(sync))).toEqual([
      { type: 'm.typing', room_id: '!a:test', content: { user_ids: [] } },
      { type: 'm.tag', room_id: '!a:test', content: { tags: {} } },
      { type: 'm.direct', content: {} },
      { type: 'm.fully_read', room_id: '!a:test', content: {} },
    ]);
  });
});

describe('mergeTimelines', () => {
  const sentAt = (event: RoomEvent) => parsedEvent(event).origin_server_ts ?? 0;
  const timeline: fc.Arbitrary<ClientEvent[]> = fc.array(
    fc.record(
      { type: fc.constant('m.room.message'), origin_server_ts: fc.nat({ max: 20 }) },
      { requiredKeys: ['type'] },
    ),
    { maxLength: 6 },
  );
  const rooms = fc.array(timeline, { maxLength: 4 }).map((timelines): RoomTimeline[] =>
    timelines.map((events, room) => ({
      roomId: `!${room}` as RoomId,
      timeline: events.map((event, i) => ({ ...event, event_id: `$${room}.${i}` as EventId })),
      sentAt: events.map(({ origin_server_ts }) => origin_server_ts ?? 0),
      isWhole: true,
    })),
  );

  test('any timelines -> every event once, each room in its own order, whatever the timestamps', () => {
    fc.assert(
      fc.property(rooms, (given) => {
        const merged = mergeTimelines(deepFreeze(given));
        for (const { roomId, timeline: own } of given) {
          const events = merged.filter((item) => item.roomId === roomId).map(({ event }) => event);
          expect(events).toEqual(own);
        }
        expect(merged).toHaveLength(given.flatMap((room) => room.timeline).length);
      }),
    );
  });

  test('rooms whose timestamps rise -> oldest first over all rooms', () => {
    fc.assert(
      fc.property(rooms, (given) => {
        const sorted = given.map((room) => ({
          ...room,
          timeline: room.timeline.toSorted((a, b) => sentAt(a) - sentAt(b)),
          sentAt: room.sentAt.toSorted((a, b) => a - b),
        }));
        const times = mergeTimelines(sorted).map(({ event }) => sentAt(event));
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
    );
  });
});
