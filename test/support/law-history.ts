// Histories to follow: what happens on a homeserver, and how a client polls meanwhile.

import fc from 'fast-check';

/** One thing that happens; rooms are numbers, of which there are few, so that things meet. */
export type Action =
  | { do: 'say'; room: number; times: number }
  /** A fork that arrives late, so much lower than the room's newest event. */
  | { do: 'fork'; room: number; lower: number; times: number }
  | { do: 'state'; room: number }
  | { do: 'join' | 'leave' | 'ban' | 'forget' | 'invite'; room: number }
  /** The client polls; while the answer is under way, somebody goes on talking. */
  | { do: 'poll'; limit: number | undefined; gateway: number; talksMeanwhile: boolean }
  /** The last answer was lost: the same `from` is asked again, and what it gave counts as not received. */
  | { do: 'retry'; limit: number | undefined; gateway: number }
  | { do: 'restart'; gateway: number };

export const ROOMS = 5;
export const GATEWAYS = 3;

const room = fc.nat({ max: ROOMS - 1 });
const gateway = fc.nat({ max: GATEWAYS - 1 });
const limit = fc.constantFrom(1, 2, 7, 100, 1000, undefined);

export const history: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('say' as const), room, times: fc.nat({ max: 12 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('say' as const), room, times: fc.constant(130) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('fork' as const),
        room,
        lower: fc.integer({ min: 1, max: 9 }),
        times: fc.constantFrom(1, 1, 1, 5, 130),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('state' as const), room }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('join' as const, 'leave' as const), room }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('ban' as const, 'forget' as const, 'invite' as const),
        room,
      }),
    },
    {
      weight: 7,
      arbitrary: fc.record({
        do: fc.constant('poll' as const),
        limit,
        gateway,
        talksMeanwhile: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('retry' as const), limit, gateway }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), gateway }) },
  ),
  { minLength: 4, maxLength: 40 },
);
