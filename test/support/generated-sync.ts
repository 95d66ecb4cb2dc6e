// Generated answers of a homeserver's /sync: any room may lack any key, hold null, and the keys come in any order.

import fc from 'fast-check';
import type { ClientEvent, EphemeralEvent } from '../../src/matrix/client-event.ts';
import type { EventId, RoomId, SyncToken, UserId } from '../../src/matrix/identifiers.ts';
import type { SyncResponse } from '../../src/matrix/sync.ts';

export const me = '@me:test' as UserId;

const text = fc.string({ maxLength: 8, unit: 'grapheme' });

/** Leaves out keys, nulls others, and puts the rest in any order. */
function anyShape<T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  const keys = Object.keys(shape) as (keyof T & string)[];
  return fc
    .tuple(
      fc.shuffledSubarray(keys, { minLength: 0 }),
      fc.record(Object.fromEntries(keys.map((key) => [key, fc.option(shape[key], { freq: 8 })]))),
    )
    .map(([order, values]) => Object.fromEntries(order.map((key) => [key, values[key]])) as T);
}

let serial = 0;

function anEvent(fields: fc.Arbitrary<Partial<ClientEvent>>): fc.Arbitrary<ClientEvent> {
  return fc
    .tuple(
      fields,
      fc.option(fc.record({ body: text, __proto: text })),
      fc.option(fc.nat()),
      fc.option(fc.nat()),
    )
    .map(([some, content, ts, age]) => ({
      type: 'm.room.message',
      // Unique over all that was ever generated, so that each can be followed through a translation.
      event_id: `$${(serial += 1)}` as EventId,
      sender: '@someone:test' as UserId,
      ...(content !== null && { content }),
      ...(ts !== null && { origin_server_ts: ts }),
      ...(age !== null && { unsigned: { age, transaction_id: 't', membership: 'join' } }),
      ...some,
    }));
}

const message = anEvent(fc.constant({}));
const topic = anEvent(
  fc.record({ type: fc.constantFrom('m.room.topic', 'm.room.name'), state_key: fc.constantFrom('', 'x') }),
);
const membershipOf = (membership: string) =>
  anEvent(fc.constant({ type: 'm.room.member', state_key: me, content: { membership } }));

const ephemeral: fc.Arbitrary<EphemeralEvent> = fc.oneof(
  fc.record({ type: fc.constant('m.typing'), content: fc.constant({ user_ids: [] }) }),
  fc.record({ content: fc.constant({ $e: { 'm.read': {} } }), type: fc.constant('m.receipt') }),
);
const accountDataOf = (...types: string[]): fc.Arbitrary<EphemeralEvent> =>
  fc.record({ type: fc.constantFrom(...types), content: fc.record({ value: text }) });

const batch = <Event>(event: fc.Arbitrary<Event>, maxLength = 4) =>
  anyShape<{ events: Event[] }>({ events: fc.array(event, { maxLength }) });

function aRoom(last: fc.Arbitrary<ClientEvent[]>) {
  const timeline = fc
    .tuple(fc.array(fc.oneof(message, topic), { maxLength: 5 }), last)
    .chain(([events, more]) =>
      anyShape({
        events: fc.constant([...events, ...more]),
        limited: fc.boolean(),
        prev_batch: fc.constant('p1'),
      }),
    );
  return anyShape<object>({
    timeline,
    state: batch(topic),
    ephemeral: batch(ephemeral, 2),
    account_data: batch(accountDataOf('m.tag', 'm.fully_read', 'x.y'), 2),
    unread_notifications: fc.constant({ highlight_count: 0 }),
  });
}

const roomsOf = (room: fc.Arbitrary<object>, kind: string) =>
  fc
    .array(room, { maxLength: 3 })
    .map((rooms) => Object.fromEntries(rooms.map((one, i) => [`!${kind}${i}:test`, one]))) as fc.Arbitrary<
    Record<RoomId, object>
  >;

const invited = anyShape<object>({
  invite_state: batch(
    fc.constantFrom(
      { type: 'm.room.name', state_key: '', content: { name: 'N' }, sender: '@host:test' },
      { type: 'm.room.member', state_key: me, content: { membership: 'invite' }, sender: '@host:test' },
    ),
  ),
});

const presence: fc.Arbitrary<EphemeralEvent> = fc.record({
  type: fc.constant('m.presence'),
  sender: fc.constant('@p:test' as UserId),
  content: fc.record({ presence: fc.constantFrom('online', 'offline', 'unavailable') }),
});

/** An answer of `/sync`, initial or not: `next_batch` is always there, anywhere. */
export const syncResponse: fc.Arbitrary<SyncResponse> = fc
  .tuple(
    anyShape<object>({
      account_data: batch(accountDataOf('x.y', 'm.push_rules')),
      presence: batch(presence),
      to_device: batch(message),
      device_lists: fc.constant({ changed: [], left: [] }),
      rooms: anyShape<object>({
        join: roomsOf(aRoom(fc.constant([])), 'join'),
        leave: roomsOf(
          aRoom(fc.oneof(membershipOf('leave'), membershipOf('ban')).map((event) => [event])),
          'leave',
        ),
        invite: roomsOf(invited, 'invite'),
        knock: roomsOf(fc.constant({ knock_state: { events: [] } }), 'knock'),
      }),
    }),
    fc.boolean(),
  )
  .map(([rest, isFirst]) => {
    const nextBatch = { next_batch: 's1_2' as SyncToken };
    return (isFirst ? { ...nextBatch, ...rest } : { ...rest, ...nextBatch }) as SyncResponse;
  });

/** Freezes a value and all in it, so that a translation that writes to its input is caught. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
