// Generated events of a room, as homeservers send them or could: any optional key may be missing, keys may be odd.

import fc from 'fast-check';
import type { ClientEvent } from '../../src/matrix/client-event.ts';
import type { EventId, UserId } from '../../src/matrix/identifiers.ts';

const eventId = fc.nat().map((number) => `$${number}` as EventId);
const content = fc.dictionary(
  fc.oneof(fc.constant('__proto__'), fc.string({ maxLength: 6 })),
  fc.jsonValue(),
  {
    maxKeys: 3,
  },
);
const unsignedKeys = {
  age: fc.nat(),
  prev_content: content,
  replaces_state: eventId,
  transaction_id: fc.constant('t1'),
  membership: fc.constantFrom('join', 'leave'),
  invite_room_state: fc.constant([{ type: 'm.room.name' }]),
  knock_room_state: fc.constant([]),
  'm.relations': fc.constant({ 'm.thread': {} }),
  'x.other': fc.jsonValue(),
};

function anEvent(unsigned: fc.Arbitrary<object>): fc.Arbitrary<ClientEvent> {
  return fc.record(
    {
      type: fc.constantFrom('m.room.message', 'm.room.member', 'm.room.topic', 'm.room.redaction'),
      event_id: eventId,
      sender: fc.constant('@someone:test' as UserId),
      origin_server_ts: fc.nat(),
      state_key: fc.constantFrom('', '@me:test'),
      redacts: eventId,
      content: fc.oneof(content, fc.constant({ redacts: '$x' }), fc.constant({ membership: 'join' })),
      unsigned,
      'x.extra': fc.jsonValue(),
    },
    { requiredKeys: ['type'] },
  ) as fc.Arbitrary<ClientEvent>;
}

const redaction = anEvent(fc.record(unsignedKeys, { requiredKeys: [] }));

export const clientEvent: fc.Arbitrary<ClientEvent> = anEvent(
  fc.record({ ...unsignedKeys, redacted_because: redaction }, { requiredKeys: [] }),
);
