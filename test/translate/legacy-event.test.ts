import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClientEvent, JsonObject } from '../../src/matrix/client-event.ts';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { LegacyEventOptions } from '../../src/translate/legacy-event-bytes.ts';
import { toLegacyEvent } from '../../src/translate/legacy-event.ts';
import { clientEvent } from '../support/generated-events.ts';
import { deepFreeze } from '../support/generated-sync.ts';

const roomId = '!room:test' as RoomId;
const nowMs = 10_000;
const sender = '@someone:test' as UserId;

const toLegacy = (event: ClientEvent, options?: LegacyEventOptions) =>
  toLegacyEvent(event, roomId, nowMs, options);

const options: fc.Arbitrary<LegacyEventOptions> = fc.record(
  {
    isRaw: fc.boolean(),
    withoutUnsigned: fc.subarray<'membership' | 'transaction_id'>(['membership', 'transaction_id']),
  },
  { requiredKeys: [] },
);

describe('toLegacyEvent', () => {
  test('an event that is in the legacy format already -> the same', () => {
    fc.assert(
      fc.property(clientEvent, options, (event, given) => {
        const once = toLegacy(event, given);
        expect(toLegacyEvent(once, roomId, nowMs + 5000, given)).toEqual(once);
      }),
    );
  });

  test('any event -> its input is left as it is, and nothing is thrown', () => {
    fc.assert(
      fc.property(clientEvent, options, (event, given) => {
        expect(() => toLegacy(deepFreeze(event), given)).not.toThrow();
      }),
    );
  });

  test('any event -> all that it had on top is still there', () => {
    fc.assert(
      fc.property(clientEvent, (event) => {
        // Of these there are tests of their own.
        const { unsigned: _, content, redacts, ...others } = event;
        const { redacts: __, ...otherContent } = content ?? {};
        expect(toLegacy(event)).toMatchObject(others);
        expect(toLegacy(event).content ?? {}).toMatchObject(otherContent);
        if (redacts !== undefined) expect(toLegacy(event)['redacts']).toBe(redacts);
      }),
    );
  });

  test.each([
    { name: 'sender', unsigned: {}, expected: { user_id: sender, sender } },
    { name: 'age', unsigned: { age: 7 }, expected: { age: 7, unsigned: { age: 7 } } },
    { name: 'no age', unsigned: {}, expected: { age: 4000, unsigned: { age: 4000 } } },
    { name: 'prev_content', unsigned: { prev_content: { a: 1 } }, expected: { prev_content: { a: 1 } } },
    { name: 'replaces_state', unsigned: { replaces_state: '$a' }, expected: { replaces_state: '$a' } },
    {
      name: 'invite_room_state',
      unsigned: { invite_room_state: [{ type: 'x' }] },
      expected: { invite_room_state: [{ type: 'x' }] },
    },
    { name: 'knock_room_state', unsigned: { knock_room_state: [] }, expected: { knock_room_state: [] } },
  ])('$name -> on top, where old clients look for it', ({ unsigned, expected }) => {
    const event = { type: 'm.room.topic', sender, origin_server_ts: 6000, unsigned } as ClientEvent;
    expect(toLegacy(event)).toMatchObject({ room_id: roomId, ...expected });
  });

  test('neither age nor timestamp -> no age is made up', () => {
    expect(toLegacy({ type: 'm.room.message' })).not.toHaveProperty('age');
  });

  test('a clock ahead of ours -> age 0', () => {
    expect(toLegacy({ type: 'm.room.message', origin_server_ts: nowMs + 1 })).toMatchObject({ age: 0 });
  });

  test('a redacted event -> redacted_because on top and in unsigned, in the legacy format itself', () => {
    const because: ClientEvent = {
      type: 'm.room.redaction',
      sender,
      content: { redacts: '$a' },
      unsigned: { age: 3 },
    };
    const legacy = toLegacy({ type: 'm.room.message', unsigned: { redacted_because: because } });
    const expected = { user_id: sender, age: 3, redacts: '$a', room_id: roomId };
    expect(legacy.redacted_because).toMatchObject(expected);
    expect(legacy.unsigned?.redacted_because).toMatchObject(expected);
  });

  test.each([
    { name: 'on top', event: { redacts: '$a', content: {} } },
    { name: 'in the content', event: { content: { redacts: '$a' } } },
  ])('a redaction that names its event $name -> in both places', ({ event }) => {
    expect(toLegacy({ type: 'm.room.redaction', ...event })).toMatchObject({
      redacts: '$a',
      content: { redacts: '$a' },
    });
  });

  test('redacts in the content of another event -> stays there alone', () => {
    expect(toLegacy({ type: 'm.room.message', content: { redacts: '$a' } })).not.toHaveProperty('redacts');
  });

  test('m.relations -> left out', () => {
    const unsigned = { 'm.relations': { 'm.thread': {} }, 'x.other': 1 };
    expect(toLegacy({ type: 'm.room.message', unsigned }).unsigned).toEqual({ 'x.other': 1 });
  });

  test('keys of unsigned that are not wanted -> left out', () => {
    const unsigned = { age: 1, membership: 'join', transaction_id: 't' };
    const event = { type: 'm.room.message', unsigned };
    expect(toLegacy(event, { withoutUnsigned: ['membership'] }).unsigned).toEqual({
      age: 1,
      transaction_id: 't',
    });
    expect(toLegacy(event, { withoutUnsigned: ['transaction_id'] }).unsigned).toEqual({
      age: 1,
      membership: 'join',
    });
  });

  test('a key `__proto__` -> survives', () => {
    const text =
      '{"type":"m.room.message","__proto__":{"x":1},"content":{"__proto__":{"a":1}},"unsigned":{"age":1,"__proto__":{"b":2}}}';
    const legacy = toLegacy(JSON.parse(text) as ClientEvent);
    const written = JSON.stringify(legacy);
    expect(written).toContain('"__proto__":{"x":1}');
    expect(written).toContain('"content":{"__proto__":{"a":1}}');
    expect(written).toContain('"__proto__":{"b":2}');
    expect(({} as JsonObject)['a']).toBeUndefined();
  });

  test('the raw form -> nothing is copied, nothing computed', () => {
    const event: ClientEvent = {
      type: 'm.room.topic',
      sender,
      origin_server_ts: 1,
      content: { topic: 'x' },
      unsigned: { age: 1, prev_content: {}, replaces_state: '$a' as never },
    };
    expect(toLegacy(event, { isRaw: true })).toEqual({ ...event, room_id: roomId });
  });
});
