import { describe, expect, test } from 'vitest';
import { alignEvents } from '../../../src/operate/compare-mode/aligned-events.ts';

const event = (id: string, room = '!a') => ({
  type: 'm.room.message',
  event_id: id,
  room_id: room,
  content: {},
});
const presence = { type: 'm.presence', content: { user_id: '@a:b' } };
const idsOf = ({ chunk }: Record<string, unknown>) =>
  (chunk as { event_id: string }[]).map(({ event_id }) => event_id);

describe('two polls of one interval', () => {
  test.each([
    { name: 'what comes later', answer: ['$1'], longer: ['$1', '$2'], kept: ['$1'] },
    {
      name: 'what the answer lacks',
      answer: ['$1', '$3'],
      longer: ['$1', '$2', '$3'],
      kept: ['$1', '$2', '$3'],
    },
    { name: 'what only the answer has', answer: ['$1', '$2'], longer: ['$1'], kept: ['$1'] },
    { name: 'nothing at all', answer: [], longer: ['$1'], kept: [] },
  ])('$name -> compared is what must be in both', ({ answer, longer, kept }) => {
    const chunk = (ids: string[]) => ({ start: 's', end: 'e', chunk: ids.map((id) => event(id)) });
    const aligned = alignEvents(chunk(answer), chunk(longer));
    expect(idsOf(aligned.answer)).toEqual(answer);
    expect(idsOf(aligned.longer)).toEqual(kept);
  });

  test('rooms of which the answer has nothing, and news of the moment -> not compared', () => {
    const answer = { chunk: [presence, event('$1')] };
    const longer = { chunk: [event('$b', '!b'), event('$1')] };
    const aligned = alignEvents(answer, longer);
    expect([idsOf(aligned.answer), idsOf(aligned.longer)]).toEqual([['$1'], ['$1']]);
  });
});
