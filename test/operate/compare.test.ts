import { describe, expect, test } from 'vitest';
import { compare, type Comparison, type ExpectedDifference } from '../../src/operate/compare.ts';

type Json = Record<string, unknown>;

const aMessage = (id: string, more: Json = {}): Json => ({
  type: 'm.room.message',
  event_id: `$${id}`,
  room_id: '!a',
  sender: '@bob:test',
  user_id: '@bob:test',
  content: { body: id },
  age: 5,
  unsigned: { age: 5 },
  ...more,
});
const presenceOf = (userId: string, presence: string, last_active_ago = 17): Json => ({
  type: 'm.presence',
  content: { user_id: userId, presence, last_active_ago },
});
const events = (...chunk: Json[]): Json => ({ start: 's1', chunk, end: 's2' });

const aRoom = (more: Json = {}): Json => ({
  room_id: '!a',
  membership: 'join',
  visibility: 'private',
  messages: { chunk: [aMessage('1'), aMessage('2')], start: 't1', end: 's9' },
  state: [
    { type: 'm.room.name', state_key: '', content: { name: 'A' }, event_id: '$n' },
    { type: 'm.room.topic', state_key: '', content: { topic: 'B' }, event_id: '$t' },
  ],
  account_data: [{ type: 'm.tag', content: { tags: {} } }],
  ...more,
});
const initialSync = (more: Json = {}): Json => ({
  rooms: [aRoom(), aRoom({ room_id: '!b' })],
  presence: [presenceOf('@a:test', 'online'), presenceOf('@b:test', 'online')],
  account_data: [{ type: 'x', content: {} }],
  receipts: [{ type: 'm.receipt', room_id: '!a', content: {} }],
  end: 's9',
  ...more,
});

const compareEvents = (native: unknown, ours: unknown, expected: ExpectedDifference[] = []): Comparison =>
  compare('events', { userId: '@me:test', native, ours }, expected);
const compareInitialSyncs = (native: unknown, ours: unknown): Comparison =>
  compare('initialSync', { userId: '@me:test', native, ours }, []);

const pathsOf = ({ unnamed }: Comparison): string[] => unnamed.map(({ path }) => path.join(' / '));

describe('what must differ from request to request', () => {
  test('ages, times since, tokens -> no difference', () => {
    const native = events(aMessage('1'), presenceOf('@a:test', 'online', 17));
    const later = aMessage('1', { age: 99, unsigned: { age: 99 } });
    const ours = { start: 's3', chunk: [later, presenceOf('@a:test', 'online', 1)], end: 's4' };
    expect(compareEvents(native, ours).unnamed).toEqual([]);
  });

  test('ages in what redacted an event -> no difference', () => {
    const redacted = (age: number): Json =>
      aMessage('1', {
        unsigned: { age, redacted_because: aMessage('2', { age, unsigned: { age } }) },
        redacted_because: aMessage('2', { age, unsigned: { age } }),
      });
    expect(compareEvents(events(redacted(1)), events(redacted(2))).unnamed).toEqual([]);
  });

  test('the order of who types -> no difference', () => {
    const typing = (...user_ids: string[]): Json => ({
      type: 'm.typing',
      room_id: '!a',
      content: { user_ids },
    });
    expect(compareEvents(events(typing('@a', '@b')), events(typing('@b', '@a'))).unnamed).toEqual([]);
    expect(pathsOf(compareEvents(events(typing('@a')), events(typing('@b'))))).toEqual([
      'chunk / m.typing in !a / content / user_ids / 0',
    ]);
  });

  test('the order of rooms, state, presence and account data of an initial sync -> no difference', () => {
    const { rooms, presence } = initialSync() as Record<string, Json[]>;
    const shuffled = initialSync({
      rooms: rooms?.toReversed().map((room) => ({ ...room, state: (room['state'] as Json[]).toReversed() })),
      presence: presence?.toReversed(),
    });
    expect(compareInitialSyncs(initialSync(), shuffled).unnamed).toEqual([]);
  });
});

describe('what is found in a stream', () => {
  test.each<{ name: string; ours: unknown; paths: string[] }>([
    { name: 'an event missing', ours: events(aMessage('1')), paths: ['chunk / $2'] },
    {
      name: 'one too many',
      ours: events(aMessage('1'), aMessage('2'), aMessage('3')),
      paths: ['chunk / $3'],
    },
    { name: 'one twice', ours: events(aMessage('1'), aMessage('2'), aMessage('2')), paths: ['chunk / $2#2'] },
    {
      name: 'the order in a room',
      ours: events(aMessage('2'), aMessage('1')),
      paths: ['chunk / order in !a'],
    },
    {
      name: 'a value deep inside',
      ours: events(aMessage('1', { content: { body: 'other' } }), aMessage('2')),
      paths: ['chunk / $1 / content / body'],
    },
    {
      name: 'a key missing',
      ours: events(aMessage('1', { user_id: undefined }), aMessage('2')),
      paths: ['chunk / $1 / user_id'],
    },
    {
      name: 'an age missing',
      ours: events(aMessage('1', { age: undefined }), aMessage('2')),
      paths: ['chunk / $1 / age'],
    },
    {
      name: 'an age that is no number',
      ours: events(aMessage('1', { age: 'old' }), aMessage('2')),
      paths: ['chunk / $1 / age'],
    },
    {
      name: 'a key too many that every object inherits',
      ours: events(aMessage('1', { constructor: 1 }), aMessage('2')),
      paths: ['chunk / $1 / constructor'],
    },
    {
      name: 'null in place of nothing',
      ours: events(aMessage('1', { x: null }), aMessage('2')),
      paths: ['chunk / $1 / x'],
    },
    { name: 'an empty token', ours: { ...events(aMessage('1'), aMessage('2')), end: '' }, paths: ['end'] },
    {
      name: 'a token missing',
      ours: { chunk: events(aMessage('1'), aMessage('2'))['chunk'], end: 's' },
      paths: ['start'],
    },
    { name: 'no chunk', ours: { start: 's1', end: 's2' }, paths: ['chunk'] },
    { name: 'an unknown key', ours: { ...events(aMessage('1'), aMessage('2')), more: [] }, paths: ['more'] },
    { name: 'something else altogether', ours: 'no answer', paths: [''] },
  ])('$name -> its place', ({ ours, paths }) => {
    const withoutUndefined: unknown = JSON.parse(JSON.stringify(ours));
    expect(pathsOf(compareEvents(events(aMessage('1'), aMessage('2')), withoutUndefined))).toEqual(paths);
  });

  test('the order across rooms -> one difference, where each room is in order', () => {
    const [one, two, other] = [aMessage('1'), aMessage('2'), aMessage('3', { room_id: '!b' })];
    expect(pathsOf(compareEvents(events(one, two, other), events(other, one, two)))).toEqual([
      'chunk / order across rooms',
    ]);
    expect(pathsOf(compareEvents(events(one, two, other), events(other, two, one)))).toEqual([
      'chunk / order in !a',
    ]);
  });

  test('the order of kinds -> one difference', () => {
    const presence = presenceOf('@a:test', 'online');
    const ours = events(presence, aMessage('1'));
    expect(pathsOf(compareEvents(events(aMessage('1'), presence), ours))).toEqual(['chunk / order of kinds']);
  });

  test('an invite by another id -> only its id', () => {
    const invite = (event_id: string): Json =>
      aMessage('1', {
        type: 'm.room.member',
        state_key: '@me:test',
        event_id,
        content: { membership: 'invite' },
      });
    expect(pathsOf(compareEvents(events(invite('$real')), events(invite('$made-up'))))).toEqual([
      'chunk / invite of @me:test in !a / event_id',
    ]);
  });
});

describe('what is found in an initial sync', () => {
  test.each<{ name: string; ours: Json; paths: string[] }>([
    { name: 'a room missing', ours: { rooms: [aRoom()] }, paths: ['rooms / !b'] },
    {
      name: 'a room twice',
      ours: { rooms: [aRoom(), aRoom(), aRoom({ room_id: '!b' })] },
      paths: ['rooms / !a#2'],
    },
    {
      name: 'a membership',
      ours: { rooms: [aRoom({ membership: 'leave' }), aRoom({ room_id: '!b' })] },
      paths: ['rooms / !a / membership'],
    },
    {
      name: 'a state event missing',
      ours: { rooms: [aRoom({ state: [(aRoom()['state'] as Json[])[1]] }), aRoom({ room_id: '!b' })] },
      paths: ['rooms / !a / state / m.room.name ""'],
    },
    {
      name: 'messages the wrong way round',
      ours: {
        rooms: [
          aRoom({ messages: { chunk: [aMessage('2'), aMessage('1')], start: 't1', end: 's9' } }),
          aRoom({ room_id: '!b' }),
        ],
      },
      paths: ['rooms / !a / messages / chunk / order in !a'],
    },
    {
      name: 'somebody missing',
      ours: { presence: [presenceOf('@a:test', 'online')] },
      paths: ['presence / m.presence of @b:test'],
    },
    {
      name: 'somebody offline',
      ours: { presence: [presenceOf('@a:test', 'online'), presenceOf('@b:test', 'offline')] },
      paths: ['presence / m.presence of @b:test / content / presence'],
    },
    { name: 'no receipts', ours: { receipts: [] }, paths: ['receipts / m.receipt in !a'] },
    { name: 'no list of receipts', ours: { receipts: null }, paths: ['receipts'] },
  ])('$name -> its place', ({ ours, paths }) => {
    expect(pathsOf(compareInitialSyncs(initialSync(), initialSync(ours)))).toEqual(paths);
  });
});

describe('named differences', () => {
  const missing: ExpectedDifference = {
    id: 'messages-are-missing',
    recognises: ({ path, ours }) => path[0] === 'chunk' && ours === undefined,
  };

  test('one that shows -> named, and counted', () => {
    const { unnamed, gone, counts } = compareEvents(events(aMessage('1'), aMessage('2')), events(), [
      missing,
    ]);
    expect({ unnamed, gone, count: counts.get(missing.id) }).toEqual({ unnamed: [], gone: [], count: 2 });
  });

  test('one that does not show -> reported as gone', () => {
    expect(compareEvents(events(), events(), [missing]).gone).toEqual([missing.id]);
  });

  test('one that shows by chance and does not -> not missed', () => {
    expect(compareEvents(events(), events(), [{ ...missing, dependsOnTiming: true }]).gone).toEqual([]);
  });

  test('another one beside it -> reported all the same', () => {
    const ours = { ...events(), end: '' };
    expect(pathsOf(compareEvents(events(aMessage('1')), ours, [missing]))).toEqual(['end']);
  });

  test('one that would recognise anything -> never an answer as a whole', () => {
    const anything: ExpectedDifference = { ...missing, recognises: () => true };
    expect(pathsOf(compareEvents(events(), 'no answer', [anything]))).toEqual(['']);
    expect(pathsOf(compareEvents(events(), [], [anything]))).toEqual(['']);
  });
});
