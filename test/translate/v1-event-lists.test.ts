import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { toLegacyEvent } from '../../src/translate/legacy-event.ts';
import { toLegacyEvents, type EventListContext } from '../../src/translate/v1-event-lists.ts';
import { inChunks } from '../support/fake-homeserver.ts';
import { clientEvent } from '../support/generated-events.ts';

const roomId = '!r:test' as RoomId;
const nowMs = 1000;

async function translate(given: string, places: EventListContext['places'], chunk = 7): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of toLegacyEvents(inChunks(given, chunk), { places, roomId, nowMs }))
    pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** As the wire has it: what JSON cannot say is gone. */
const onTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const legacy = (event: Parameters<typeof toLegacyEvent>[0]): unknown =>
  onTheWire(toLegacyEvent(event, roomId, nowMs));

const list = fc.array(
  clientEvent.map((event) => onTheWire(event) as typeof event),
  { maxLength: 4 },
);
const chunkLength = fc.integer({ min: 1, max: 200 });

describe('laws', () => {
  test('a list, cut anywhere -> each event once, in order, as a legacy one', async () => {
    await fc.assert(
      fc.asyncProperty(list, chunkLength, async (events, chunk) => {
        const answer = JSON.parse(await translate(JSON.stringify(events), 'list', chunk));
        expect(answer).toEqual(events.map(legacy));
      }),
    );
  });

  test('an object, its members in any order -> its lists as legacy ones, and all else as it came', async () => {
    const context = fc.record(
      {
        start: fc.string(),
        events_before: list,
        event: list,
        chunk: list,
        'x.y': fc.jsonValue(),
        state: list,
        end: fc.string(),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(context, chunkLength, async (given, chunk) => {
        const { event: [event] = [], ...rest } = given;
        const sent = { ...rest, ...(event !== undefined && { event }) };
        const expected = Object.fromEntries(
          Object.entries(sent).map(([key, value]) => {
            if (key === 'event') return [key, legacy(value as typeof event & object)];
            return [
              key,
              ['events_before', 'chunk', 'state'].includes(key)
                ? (value as (typeof event & object)[]).map(legacy)
                : value,
            ];
          }),
        );
        expect(JSON.parse(await translate(JSON.stringify(sent), 'object', chunk))).toEqual(
          onTheWire(expected),
        );
      }),
    );
  });

  test('what is in the legacy format already -> the same again', async () => {
    await fc.assert(
      fc.asyncProperty(list, async (events) => {
        const once = await translate(JSON.stringify(events), 'list');
        expect(await translate(once, 'list')).toBe(once);
      }),
    );
  });
});

describe('edges', () => {
  test.each([
    { name: 'nothing', places: 'list', given: '[]', expected: '[]' },
    { name: 'white space', places: 'list', given: ' [ ] ', expected: '[]' },
    { name: 'no members', places: 'object', given: '{}', expected: '{}' },
    {
      name: 'null for lists',
      places: 'object',
      given: '{"chunk":null,"a":1,"state":null}',
      expected: '{"chunk":[],"a":1,"state":[]}',
    },
    { name: 'what is no event', places: 'list', given: '[1,null,"x",[]]', expected: '[1,null,"x",[]]' },
    { name: 'no event', places: 'event', given: 'null', expected: 'null' },
    {
      name: 'a large number elsewhere',
      places: 'object',
      given: '{"n":12345678901234567890}',
      expected: '{"n":12345678901234567890}',
    },
  ] as const)('$name', async ({ places, given, expected }) => {
    expect(await translate(given, places)).toBe(expected);
  });

  test.each([
    { places: 'list', given: '{"a":1}' },
    { places: 'object', given: '[1]' },
    { places: 'list', given: '1' },
    { places: 'list', given: '[{"type":"m"}' },
    { places: 'object', given: 'x' },
    { places: 'event', given: '' },
  ] as const)('$given, a $places wanted -> an error, and nothing whole', async ({ places, given }) => {
    await expect(translate(given, places)).rejects.toThrow();
  });
});
