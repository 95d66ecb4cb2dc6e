import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventId } from '../../src/matrix/identifiers.ts';
import type { SyncResponse } from '../../src/matrix/sync.ts';
import { JsonReader } from '../../src/stream/json-reader.ts';
import { UnreadableAnswer } from '../../src/translate/checked-event.ts';
import { mergeTimelines, type RoomTimeline } from '../../src/translate/events.ts';
import { StreamUpdateReader, type HeldBytes } from '../../src/translate/stream-update-reader.ts';
import { createIncrements } from '../../src/follow/held-bytes.ts';
import { me, syncResponse } from '../support/generated-sync.ts';
import { ALL_IS_HELD, ephemeralOf, readUpdate, timelineOf } from '../support/read-update.ts';

const inRoom = (room: unknown, section = 'join') => ({
  next_batch: 's1',
  rooms: { [section]: { '!a:test': room } },
});
const withEvents = (...events: unknown[]) => inRoom({ timeline: { events } });

function readText(text: string, held: HeldBytes = ALL_IS_HELD) {
  const visitor = new StreamUpdateReader(me, held);
  const reader = new JsonReader(visitor);
  reader.push(Buffer.from(text));
  reader.end();
  return visitor.finish();
}

describe('an answer in which something has another type than Matrix gives it', () => {
  test.each<{ name: string; answer: unknown }>([
    { name: 'no next_batch', answer: {} },
    { name: 'next_batch null', answer: { next_batch: null } },
    { name: 'next_batch a number', answer: { next_batch: 5 } },
    { name: 'next_batch an object', answer: { next_batch: { a: 1 } } },
    { name: 'next_batch empty', answer: { next_batch: '' } },
    { name: 'a list', answer: [] },
    { name: 'null', answer: null },
    { name: 'rooms a string', answer: { next_batch: 's1', rooms: 'x' } },
    { name: 'join a list', answer: { next_batch: 's1', rooms: { join: [1, 2] } } },
    { name: 'a room a list', answer: inRoom([]) },
    { name: 'a room true', answer: inRoom(true) },
    { name: 'a timeline a list', answer: inRoom({ timeline: [] }) },
    { name: 'limited a number', answer: inRoom({ timeline: { limited: 1, events: [] } }) },
    { name: 'events an object', answer: inRoom({ timeline: { events: { a: 1 } } }) },
    { name: 'a null event', answer: withEvents(null) },
    { name: 'an event a number', answer: withEvents(1) },
    { name: 'an event a list', answer: withEvents([]) },
    { name: 'an event without type', answer: withEvents({ event_id: '$1' }) },
    { name: 'an event whose type is a number', answer: withEvents({ type: 5 }) },
    { name: 'an event whose type is null', answer: withEvents({ type: null }) },
    { name: 'an event whose id is a number', answer: withEvents({ type: 'a', event_id: 7 }) },
    { name: 'an event whose content is a string', answer: withEvents({ type: 'a', content: 'x' }) },
    { name: 'an event whose time is a string', answer: withEvents({ type: 'a', origin_server_ts: 'z' }) },
    { name: 'unsigned a number', answer: withEvents({ type: 'a', unsigned: 5 }) },
    { name: 'a null presence', answer: { next_batch: 's1', presence: { events: [null] } } },
    { name: 'account data a list', answer: { next_batch: 's1', account_data: [] } },
    { name: 'a null invite event', answer: inRoom({ invite_state: { events: [null] } }, 'invite') },
    { name: 'ephemeral a string', answer: inRoom({ ephemeral: 'x' }) },
  ])('$name -> refused', ({ answer }) => {
    expect(() => readUpdate(answer)).toThrow(UnreadableAnswer);
  });

  test.each<{ name: string; answer: unknown }>([
    { name: 'a null room', answer: inRoom(null) },
    { name: 'null sections', answer: { next_batch: 's1', rooms: null, presence: null, account_data: null } },
    { name: 'null lists', answer: inRoom({ timeline: { events: null, limited: null }, ephemeral: null }) },
    {
      name: 'null members',
      answer: withEvents({ type: 'a', event_id: '$1', content: null, unsigned: null }),
    },
    { name: 'odd things that nobody reads', answer: { next_batch: 's1', to_device: 5, device_lists: 'x' } },
  ])('$name -> as good as nothing', ({ answer }) => {
    expect(() => readUpdate(answer)).not.toThrow();
  });

  test('any answer cut anywhere -> refused', () => {
    fc.assert(
      fc.property(syncResponse, fc.nat(), (sync, at) => {
        const text = JSON.stringify(sync);
        expect(() => readText(text.slice(0, at % text.length))).toThrow();
      }),
    );
  });
});

describe('what is not history', () => {
  test('numbers of content -> as the homeserver wrote them', () => {
    const numbers = '{"a":9007199254740993,"b":21.0,"c":1e2,"d":-0.0}';
    const { ephemeral } = readText(
      `{"next_batch":"s1","presence":{"events":[{"type":"m.presence","sender":"@a:b","content":${numbers}}]},` +
        `"account_data":{"events":[{"content":${numbers},"type":"x.y"}]},"rooms":{"join":{"!a:b":{` +
        `"ephemeral":{"events":[{"type":"m.receipt","content":${numbers}}]},` +
        `"account_data":{"events":[{"type":"m.tag","content":${numbers}}]}}}}}`,
    );
    const texts = ephemeral.map(({ bytes }) => bytes.toString());
    expect(texts).toEqual([
      `{"type":"m.presence","content":{"user_id":"@a:b",${numbers.slice(1)}}`,
      `{"type":"m.receipt","room_id":"!a:b","content":${numbers}}`,
      `{"type":"m.tag","room_id":"!a:b","content":${numbers}}`,
      `{"type":"x.y","content":${numbers}}`,
    ]);
  });

  test('presence -> the sender is its user, whatever its content says', () => {
    const presence = (event: object) =>
      ephemeralOf(readUpdate({ next_batch: 's1', presence: { events: [event] } }))[0];
    expect(presence({ type: 'm.presence', sender: '@a:b', content: { user_id: '@no:b', x: 1 } })).toEqual({
      type: 'm.presence',
      content: { user_id: '@a:b', x: 1 },
    });
    expect(presence({ type: 'm.presence', sender: '@a:b' })).toEqual({
      type: 'm.presence',
      content: { user_id: '@a:b' },
    });
    expect(presence({ type: 'm.presence', content: { user_id: '@a:b' } })).toEqual({
      type: 'm.presence',
      content: { user_id: '@a:b' },
    });
  });
});

describe('how much of the timelines is kept', () => {
  const body = 'x'.repeat(1000);
  const events = (room: string, count = 10) =>
    Array.from({ length: count }, (_, i) => ({
      type: 'm.room.message',
      event_id: `$${room}${i}`,
      content: { body },
    }));
  const timeline = (room: string) => ({ timeline: { events: events(room) } });
  const idsIn = (rooms: readonly RoomTimeline[]) =>
    Object.fromEntries(
      rooms.map((room) => [room.roomId, { kept: timelineOf(room).length, isWhole: room.isWhole }]),
    );

  test('beyond the bound -> the room is there without its timeline, and not whole', () => {
    const memory = createIncrements({ mostBytesPerAnswer: 20_000, mostBytes: 100_000 }).open();
    const join = { '!a': timeline('a'), '!b': timeline('b'), '!c': timeline('c') };
    expect(idsIn(readUpdate({ next_batch: 's1', rooms: { join } }, { held: memory }).rooms)).toEqual({
      '!a': { kept: 10, isWhole: true },
      '!b': { kept: 0, isWhole: false },
      '!c': { kept: 0, isWhole: false },
    });
  });

  test('left rooms -> go before joined ones, as they may refuse to be read', () => {
    const memory = createIncrements({ mostBytesPerAnswer: 20_000, mostBytes: 100_000 }).open();
    const rooms = { join: { '!a': timeline('a') }, leave: { '!b': timeline('b') } };
    expect(idsIn(readUpdate({ next_batch: 's1', rooms }, { held: memory }).rooms)).toEqual({
      '!a': { kept: 0, isWhole: false },
      '!b': { kept: 10, isWhole: true },
    });
  });

  test('any answers within any bounds -> no more than the bounds, and all of it given back', () => {
    const bounds = fc.record({ mostBytesPerAnswer: fc.nat(3000), mostBytes: fc.nat(5000) });
    fc.assert(
      fc.property(fc.array(syncResponse, { maxLength: 4 }), bounds, (answers, given) => {
        const increments = createIncrements(given);
        const memories = answers.map((answer) => {
          const memory = increments.open();
          const { rooms } = readUpdate(answer, { held: memory });
          const kept = rooms.flatMap((room) => room.timeline.map((event) => event as { bytes?: Buffer }));
          const bytes = kept.reduce((sum, event) => sum + (event.bytes?.length ?? 0), 0);
          expect(bytes).toBeLessThanOrEqual(given.mostBytesPerAnswer);
          return memory;
        });
        expect(increments.bytes).toBeLessThanOrEqual(given.mostBytes);
        for (const memory of memories) memory.release();
        expect(increments.bytes).toBe(0);
      }),
    );
  });
});

describe('where we came in', () => {
  const own = (membership: string, before?: string) => ({
    type: 'm.room.member',
    state_key: me,
    event_id: '$own' as EventId,
    content: { membership },
    ...(before !== undefined && { unsigned: { prev_content: { membership: before } } }),
  });
  const said = { type: 'm.room.message', event_id: '$said' };
  const aliases = { type: 'm.room.aliases' };

  test.each<{ name: string; events: object[]; joinedAt: number | undefined }>([
    { name: 'a join', events: [said, aliases, said, own('join'), said], joinedAt: 2 },
    { name: 'an invite, then a join', events: [said, own('invite'), own('join', 'invite')], joinedAt: 2 },
    { name: 'a new display name', events: [said, own('join', 'join')], joinedAt: undefined },
    { name: 'left and joined again', events: [said, own('leave', 'join'), own('join')], joinedAt: undefined },
    {
      name: 'an invite that was refused, then a join',
      events: [own('leave', 'invite'), said, own('join')],
      joinedAt: 2,
    },
    { name: 'nothing of our own', events: [said], joinedAt: undefined },
  ])('$name -> $joinedAt', ({ events, joinedAt }) => {
    expect(readUpdate(withEvents(...events)).rooms[0]?.joinedAt).toBe(joinedAt);
  });
});

test('merging twice as many rooms -> twice as many steps', () => {
  const stepsOf = (rooms: number) => {
    let steps = 0;
    const counted = (list: number[]) =>
      new Proxy(list, {
        get: (target, key, receiver) => {
          steps += 1;
          return Reflect.get(target, key, receiver) as unknown;
        },
      });
    const sync = {
      next_batch: 's1',
      rooms: {
        join: Object.fromEntries(
          Array.from({ length: rooms }, (_, room) => [
            `!${room}`,
            { timeline: { events: [{ type: 'a', origin_server_ts: room }] } },
          ]),
        ),
      },
    } as unknown as SyncResponse;
    const timelines = readUpdate(sync, { chunkLength: 65_536 }).rooms;
    mergeTimelines(timelines.map((room) => ({ ...room, sentAt: counted([...room.sentAt]) })));
    return steps;
  };
  expect(stepsOf(2000) / stepsOf(1000)).toBeLessThan(2.1);
});
