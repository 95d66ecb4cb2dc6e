// Generated events of a room as text, in every way in which one can be written, many of them odd.

import fc from 'fast-check';
import { anyObjectText, jsonText, numberText, objectText, stringText } from './generated-json.ts';

type Member = readonly [key: string, value: string];

const keyText = (name: string): fc.Arbitrary<string> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(JSON.stringify(name)) }, stringText(fc.constant(name)));

/** Some of these members, in any order, some of them twice, and others among them. */
function someOf(values: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<readonly Member[]> {
  const known = Object.entries(values).map(([name, value]) => fc.tuple(keyText(name), value));
  const one: fc.Arbitrary<Member> = fc.oneof(
    ...known,
    fc.tuple(stringText(fc.string({ maxLength: 3 })), jsonText),
  );
  return fc.array(one, { maxLength: 10 });
}

const text = (...texts: string[]): fc.Arbitrary<string> =>
  fc.constantFrom(...texts.map((each) => JSON.stringify(each)));
const often = (usual: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 9, arbitrary: usual }, fc.constantFrom('null', '7', '[]', '"x"'));

const content = often(
  fc.oneof(
    anyObjectText,
    fc.constantFrom('{"redacts":"$x"}', '{"redacts":null,"a":21.0}', '{"membership":"join"}'),
  ),
);

const unsignedValues = {
  age: often(numberText),
  prev_content: content,
  replaces_state: often(text('$0')),
  transaction_id: text('t'),
  membership: text('join', 'leave'),
  invite_room_state: jsonText,
  knock_room_state: jsonText,
  'm.relations': jsonText,
};

function eventValues(unsigned: fc.Arbitrary<string>): Readonly<Record<string, fc.Arbitrary<string>>> {
  return {
    type: often(
      fc.oneof(text('m.room.message', 'm.room.redaction'), stringText(fc.constant('m.room.redaction'))),
    ),
    event_id: often(text('$1', '$2')),
    sender: often(text('@a:test', '@"\\:test')),
    room_id: often(text('!room:test', '!other:test')),
    user_id: often(text('@b:test')),
    origin_server_ts: often(numberText),
    state_key: text('', 'key'),
    content,
    prev_content: content,
    age: often(numberText),
    redacts: often(text('$9')),
    redacted_because: jsonText,
    unsigned,
  };
}

const anUnsigned = (because: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  often(objectText(someOf({ ...unsignedValues, redacted_because: because })));
const eventWith = (because: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  objectText(someOf(eventValues(anUnsigned(because))));

/** An event, with redactions in it and redactions in those. */
export const eventText: fc.Arbitrary<string> = eventWith(often(eventWith(often(eventWith(jsonText)))));
