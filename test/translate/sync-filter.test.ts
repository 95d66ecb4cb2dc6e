import { describe, expect, test } from 'vitest';
import {
  catchUpFilter,
  initialSyncFilter,
  messagesFilter,
  nowFilter,
  pollFilter,
} from '../../src/translate/sync-filter.ts';

const anInitialSync = { limit: 10, archived: false, isRaw: false, variant: 0 };

const filters = {
  poll: () => pollFilter({ isRaw: false }),
  'raw poll': () => pollFilter({ isRaw: true }),
  'initial sync': () => initialSyncFilter(anInitialSync),
  'archived initial sync': () => initialSyncFilter({ ...anInitialSync, archived: true }),
  'catch-up': () => catchUpFilter(3),
  now: () => nowFilter(5),
  'raw messages': () => messagesFilter({ isRaw: true }) ?? '',
};

const cases = Object.entries(filters).map(([name, filter]) => ({ name, filter }));

describe('a filter', () => {
  test.each(cases)('$name -> valid JSON that no client writes to the letter', ({ filter }) => {
    const text = filter();
    expect(JSON.parse(text)).toBeTypeOf('object');
    expect(text).not.toBe(JSON.stringify(JSON.parse(text)));
  });

  test.each(cases)('$name, asked for again -> the same text', ({ filter }) => {
    expect(filter()).toBe(filter());
  });

  test.each([
    { name: 'initial sync', of: (variant: number) => initialSyncFilter({ ...anInitialSync, variant }) },
    { name: 'catch-up', of: catchUpFilter },
    { name: 'now', of: nowFilter },
  ])('$name in many variants -> as many texts that mean the same', ({ of }) => {
    const texts = Array.from({ length: 200 }, (_, variant) => of(variant));
    expect(new Set(texts).size).toBe(200);
    expect(new Set(texts.map((text) => JSON.stringify(JSON.parse(text)))).size).toBe(1);
  });
});

describe('what is asked for', () => {
  test('initial sync -> so many events, state, receipts; left rooms only when archived', () => {
    const { room } = JSON.parse(initialSyncFilter({ ...anInitialSync, limit: 7 })) as { room: object };
    expect(room).toEqual({ timeline: { limit: 7 }, ephemeral: { types: ['m.receipt'] } });
    expect(JSON.parse(initialSyncFilter({ ...anInitialSync, archived: true }))).toMatchObject({
      room: { include_leave: true },
    });
  });

  test('each filter -> to the letter: what is not wanted is said to be empty in every way that some homeserver reads', () => {
    const nothing = { types: [] };
    const parsed = Object.fromEntries(
      cases.map(({ name, filter }) => [name, JSON.parse(filter()) as object]),
    );
    expect(parsed).toEqual({
      poll: {
        account_data: { not_types: ['m.push_rules'] },
        room: { timeline: { limit: 100 }, state: nothing },
      },
      'raw poll': {
        event_format: 'federation',
        account_data: { not_types: ['m.push_rules'] },
        room: { timeline: { limit: 100 }, state: nothing },
      },
      'initial sync': {
        account_data: { not_types: ['m.push_rules'] },
        room: { timeline: { limit: 10 }, ephemeral: { types: ['m.receipt'] } },
      },
      'archived initial sync': {
        account_data: { not_types: ['m.push_rules'] },
        room: { include_leave: true, timeline: { limit: 10 }, ephemeral: { types: ['m.receipt'] } },
      },
      'catch-up': {
        presence: nothing,
        account_data: nothing,
        room: { timeline: { limit: 1 }, state: nothing, ephemeral: nothing, account_data: nothing },
      },
      now: {
        presence: nothing,
        account_data: nothing,
        room: {
          rooms: [],
          timeline: { limit: 0, types: [] },
          state: nothing,
          ephemeral: nothing,
          account_data: nothing,
        },
      },
      'raw messages': { event_format: 'federation' },
    });
  });

  test.each([
    { name: 'poll', of: (isRaw: boolean) => pollFilter({ isRaw }) },
    { name: 'initial sync', of: (isRaw: boolean) => initialSyncFilter({ ...anInitialSync, isRaw }) },
    { name: 'messages', of: (isRaw: boolean) => messagesFilter({ isRaw }) ?? '{}' },
  ])('$name -> the federation form only when raw', ({ of }) => {
    expect(JSON.parse(of(true))).toMatchObject({ event_format: 'federation' });
    expect(JSON.parse(of(false))).not.toHaveProperty('event_format');
  });

  test('messages, not raw -> no filter at all', () => {
    expect(messagesFilter({ isRaw: false })).toBeUndefined();
  });

  test.each(cases)(
    '$name -> never lazy_load_members: Synapse remembers per device what it sent',
    ({ filter }) => {
      expect(filter()).not.toContain('lazy_load_members');
    },
  );
});
