import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SyncSections } from '../../src/translate/sync-sections.ts';
import { syncResponse } from '../support/generated-sync.ts';

const toPrevBatch = (roomId: string, eventId: string | null): string => `${roomId} ${eventId ?? 'newest'}`;

function fill(text: string, chunkLength = Number.POSITIVE_INFINITY): string {
  const sections = new SyncSections(toPrevBatch);
  const bytes = Buffer.from(text);
  const filled: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkLength) {
    // The same memory is written anew for each piece, as undici may do.
    const piece = Buffer.from(bytes.subarray(at, at + chunkLength));
    filled.push(...sections.push(piece).map((each) => Buffer.from(each)));
    piece.fill('#');
  }
  return Buffer.concat([...filled, ...sections.end()]).toString();
}

const BATCH = '{"events":[]}';
const TAIL = `"presence":${BATCH},"account_data":${BATCH},"to_device":${BATCH},"device_lists":{"changed":[],"left":[]}`;
const ROOMS = '"rooms":{"join":{},"invite":{},"leave":{}}';

describe('an answer of /sync', () => {
  test.each([
    { name: 'nothing at all', given: '{}', expected: `{${ROOMS},${TAIL}}` },
    { name: 'a token only', given: '{"next_batch":"s1"}', expected: `{"next_batch":"s1",${ROOMS},${TAIL}}` },
    { name: 'white space', given: ' { } ', expected: ` { ${ROOMS},${TAIL}} ` },
    {
      name: 'a room with nothing in it',
      given: '{"next_batch":"s1","rooms":{"join":{"!a":{}}}}',
      expected:
        `{"next_batch":"s1","rooms":{"join":{"!a":{"state":${BATCH},"timeline":` +
        `{"events":[],"limited":false,"prev_batch":"s1"},"ephemeral":${BATCH},"account_data":${BATCH},` +
        `"unread_notifications":{}}},"invite":{},"leave":{}},${TAIL}}`,
    },
    {
      name: 'an invited and a left room with nothing in them, before the token',
      given: '{"rooms":{"invite":{"!a":{}},"leave":{"!b":{}}},"next_batch":"s1"}',
      expected:
        `{"rooms":{"invite":{"!a":{"invite_state":${BATCH}}},"leave":{"!b":{"state":${BATCH},"timeline":` +
        `{"events":[],"limited":false,"prev_batch":"!b newest"},"account_data":${BATCH}}},"join":{}},` +
        `"next_batch":"s1",${TAIL}}`,
    },
    {
      name: 'sections that are null, and sections without events',
      given:
        '{"rooms":null,"presence":{},"account_data":{"events":null},"to_device":null,"device_lists":{"left":[]}}',
      expected:
        '{"rooms":{"join":{},"invite":{},"leave":{}},"presence":{"events":[]},"account_data":{"events":[]},' +
        '"to_device":{"events":[]},"device_lists":{"left":[],"changed":[]}}',
    },
  ])('$name -> every section', ({ given, expected }) => {
    for (const chunkLength of [1, 2, 3, 5, 1000]) expect(fill(given, chunkLength)).toBe(expected);
  });

  test('a timeline without prev_batch -> the place before its first event, in each room its own', () => {
    const timeline = (...events: string[]): string =>
      JSON.stringify({
        timeline: { events: events.map((event_id) => ({ content: { event_id: 1 }, event_id })) },
      });
    const rooms = `{"!a":${timeline('$1', '$2')},"!b":{},"!c":${timeline()},"!d":${timeline('$4')}}`;
    for (const chunkLength of [1, 7, 1000]) {
      const { join } = JSON.parse(fill(`{"rooms":{"join":${rooms}}}`, chunkLength)).rooms;
      const tokens = Object.values<{ timeline: { prev_batch: string } }>(join).map(
        (room) => room.timeline.prev_batch,
      );
      expect(tokens).toEqual(['!a $1', '!b newest', '!c newest', '!d $4']);
    }
  });

  test('power levels without users -> with none, wherever they are cut; others and other events -> the very bytes', () => {
    const levels = (content: string, type = 'm.room.power_levels'): string =>
      `{"content":${content},"event_id":"$1","type":"${type}", "state_key":""}`;
    const given = [
      levels('{"ban":50.0}'),
      levels('{}'),
      levels('{"users":null,"ban":1}'),
      levels('{"users":{"@a:t":1}}'),
      levels('[]'),
      levels('{"ban":50}', 'm.room.topic'),
      levels('{"type":"m.room.power_levels"}', 'm.room.message'),
      '"m.room.power_levels"',
      'null',
    ];
    const expected = given.with(0, levels('{"ban":50.0,"users":{}}')).with(1, levels('{"users":{}}'));
    expected[2] = levels('{"users":null,"ban":1,"users":{}}');
    const answer = (events: string[]): string => {
      const list = `{"events":[${events.join(', ')}]}`;
      const whole = `"limited":true,"prev_batch":"t"`;
      const room = `"timeline":{"events":[${events.join()}],${whole}},"state":${list},"account_data":${list}`;
      const joined = `{${room},"ephemeral":${BATCH},"unread_notifications":{}}`;
      return `{"rooms":{"join":{"!a":${joined}},"leave":{"!b":{${room}}},"invite":{}},${TAIL}}`;
    };
    // Account data are no state.
    const untouched = `"account_data":{"events":[${given.join(', ')}]}`;
    const wanted = answer(expected).replaceAll(/"account_data":\{"events":\[[^\]].*?null\]\}/g, untouched);
    for (const chunkLength of [1, 2, 3, 5, 7, 11, 64, 500, 100_000])
      expect(fill(answer(given), chunkLength)).toBe(wanted);
  });

  test('an answer that ends in the midst of an event -> all that came', () => {
    const given = '{"rooms":{"join":{"!a":{"state":{"events":[{"type":"m.room.power_levels","content":{"a":1';
    for (const chunkLength of [1, 4, 1000]) expect(fill(given, chunkLength)).toBe(given);
  });

  test('an event that is too large to be one -> unchanged, and all behind it', () => {
    const given = `{"rooms":{"join":{"!a":{"state":{"events":[{"x":"${'x'.repeat(17 * 1024 * 1024)}"}]}}}}}`;
    expect(fill(given, 1024 * 1024) === given).toBe(true);
  });

  test('numbers, escapes, keys of others and their order -> the very bytes', () => {
    const event = String.raw`{"event_id":"$1","content":{"n":9007199254740993,"f":21.0,"z":-0.0,"e":1e2,"\u0061":"\ud83d\ude00\/"}}`;
    const given =
      `{"x.y":[{}, null],"rooms":{"knock":{"!k":null},"join":{"!a":{"timeline":{"events":[${event}],"limited":true,` +
      `"prev_batch":"t1"},"x":{"state":null}}}},"next_batch":"s1"}`;
    const filled = fill(given, 11);
    expect(filled).toContain(
      `{"x.y":[{}, null],"rooms":{"knock":{"!k":null},"join":{"!a":{"timeline":{"events":[${event}],"limited":true,"prev_batch":"t1"},"x":{"state":null},"state"`,
    );
  });

  test.each([
    '[]',
    '"text"',
    '<html>{"rooms":null}</html>',
    '{"rooms":{"join":]}',
    'null',
    '{"rooms":{"join":{',
  ])('what is no answer of /sync, such as %s -> unchanged', (given) => {
    for (const chunkLength of [1, 4, 1000]) expect(fill(given, chunkLength)).toBe(given);
  });
});

type Loose = Record<string, unknown>;
const inside = (value: unknown): Loose => (value ?? {}) as Loose;

/** What the sections are, said once more, over parsed values. */
function filledModel(answer: Loose): Loose {
  const rooms = inside(answer['rooms']);
  const lists = inside(answer['device_lists']);
  const toLeft = (room: Loose): Loose => ({
    ...room,
    state: toBatch(room['state']),
    timeline: toTimeline(room['timeline']),
    account_data: toBatch(room['account_data']),
  });
  return {
    ...answer,
    rooms: {
      ...rooms,
      join: toMap(rooms['join'], (room) => ({
        ...toLeft(room),
        ephemeral: toBatch(room['ephemeral']),
        unread_notifications: room['unread_notifications'] ?? {},
      })),
      invite: toMap(rooms['invite'], (room) => ({ ...room, invite_state: toBatch(room['invite_state']) })),
      leave: toMap(rooms['leave'], toLeft),
    },
    presence: toBatch(answer['presence']),
    account_data: toBatch(answer['account_data']),
    to_device: toBatch(answer['to_device']),
    device_lists: { ...lists, changed: lists['changed'] ?? [], left: lists['left'] ?? [] },
  };
}

const toBatch = (value: unknown): Loose => ({ ...inside(value), events: inside(value)['events'] ?? [] });

const toTimeline = (value: unknown): Loose => ({
  ...toBatch(value),
  limited: inside(value)['limited'] ?? false,
  prev_batch: expect.any(String),
});

const toMap = (rooms: unknown, toRoom: (room: Loose) => Loose): Loose =>
  Object.fromEntries(Object.entries(inside(rooms)).map(([id, room]) => [id, toRoom(inside(room))]));

describe('laws', () => {
  const chunkLength = fc.integer({ min: 1, max: 300 });

  test('any answer, cut anywhere -> itself, and every section', () => {
    fc.assert(
      fc.property(syncResponse, chunkLength, (answer, length) => {
        const filled = JSON.parse(fill(JSON.stringify(answer), length));
        expect(filled).toEqual(filledModel(JSON.parse(JSON.stringify(answer))));
      }),
    );
  });

  test('an answer that has every section -> the same bytes', () => {
    fc.assert(
      fc.property(syncResponse, chunkLength, fc.constantFrom(undefined, 1, '\t'), (answer, length, space) => {
        const whole = JSON.stringify(JSON.parse(fill(JSON.stringify(answer))), null, space);
        expect(fill(whole, length)).toBe(whole);
      }),
    );
  });
});
