import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionKey } from '../../../src/caches/sessions.ts';
import {
  createParkedPolls,
  Released,
  SHORTEST_STAY_MS,
  type ParkedPolls,
  type Place,
} from '../../../src/endpoints/session/parked-polls.ts';
import { waitForPlace } from '../../../src/endpoints/session/wait-for-place.ts';
import { FakeClock, settled } from '../../support/fake-clock.ts';

const ME = 'me' as SessionKey;
const OTHER = 'other' as SessionKey;
const NEVER = new AbortController().signal;

/** A client that asks again as soon as it is answered, in a stream in which nothing happens. */
async function follow(
  polls: ParkedPolls,
  clock: FakeClock,
  timeoutMs: number,
  onAnswer: (afterMs: number, hasEntered: boolean) => void,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const askedAt = clock.now();
    const place = polls.park(ME);
    try {
      const leftMs = await waitForPlace(place, timeoutMs, clock, place.signal);
      await clock.sleep(leftMs, place.signal);
    } catch (error) {
      if (!(error instanceof Released)) throw error;
    }
    onAnswer(clock.now() - askedAt, place.hasEntered());
    place.leave();
    await settled();
  }
}

describe('followers of one session', () => {
  test('any number of them, in silence -> no answer comes sooner than its own timeout or 30 s, and each has its turn', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 500, max: 90_000 }), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 4 }),
        async (timeouts, pollsPerSession) => {
          const clock = new FakeClock();
          const polls = createParkedPolls({ pollsPerSession, clock });
          let isOver = false;
          let isLate = 0;
          const entered = timeouts.map(() => false);
          const followers = timeouts.map((timeoutMs, i) =>
            follow(
              polls,
              clock,
              timeoutMs,
              (afterMs, hasEntered) => {
                if (afterMs < Math.min(timeoutMs, SHORTEST_STAY_MS)) isLate += 1;
                if (hasEntered) entered[i] = true;
              },
              () => isOver,
            ),
          );
          await clock.pass(10 * 90_000);
          expect(isLate).toBe(0);
          // Those who wait as long as anybody does have had a place.
          const longest = Math.max(...timeouts);
          expect(entered.filter((hasEntered, i) => !hasEntered && timeouts[i] === longest)).toEqual([]);
          isOver = true;
          polls.releaseAll();
          await Promise.all(followers);
          expect(polls.size).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('five followers with polls of 30 s, ten silent seconds -> no answer', async () => {
    const clock = new FakeClock();
    const polls = createParkedPolls({ pollsPerSession: 4, clock });
    let answers = 0;
    const followers = Array.from({ length: 5 }, () =>
      follow(
        polls,
        clock,
        30_000,
        () => (answers += 1),
        () => answers > 0,
      ),
    );
    await clock.pass(10_000);
    expect(answers).toBe(0);
    polls.releaseAll();
    await Promise.all(followers);
  });
});

describe('a surplus poll', () => {
  function start(pollsPerSession = 2) {
    const clock = new FakeClock();
    const polls = createParkedPolls({ pollsPerSession, clock });
    return { clock, polls };
  }

  const isReleased = ({ signal }: Place): boolean => signal.aborted;

  test('waits -> takes the place of the next one that is answered, in the order in which they came', async () => {
    const { polls } = start();
    const [a, b, c, d] = [polls.park(ME), polls.park(ME), polls.park(ME), polls.park(ME)];
    expect([a, b, c, d].map((place) => place.hasEntered())).toEqual([true, true, false, false]);
    b.leave();
    expect([c, d].map((place) => place.hasEntered())).toEqual([true, false]);
    a.leave();
    expect(d.hasEntered()).toBe(true);
  });

  test('another session -> has its own places', () => {
    const { polls } = start(1);
    polls.park(ME);
    expect(polls.park(OTHER).hasEntered()).toBe(true);
  });

  test('waits for 30 s of the oldest -> that one is released, and no second one for the same', async () => {
    const { clock, polls } = start();
    const [a, b] = [polls.park(ME), polls.park(ME)];
    const c = polls.park(ME);
    await clock.pass(SHORTEST_STAY_MS - 1);
    expect([a, b].map(isReleased)).toEqual([false, false]);
    await clock.pass(60_000);
    expect([a, b].map(isReleased)).toEqual([true, false]);
    expect(a.signal.reason).toBeInstanceOf(Released);
    a.leave();
    expect(c.hasEntered()).toBe(true);
  });

  test('nobody waits any more -> nobody is released, and no timer runs', async () => {
    const { clock, polls } = start(1);
    const a = polls.park(ME);
    polls.park(ME).leave();
    await clock.pass(10 * SHORTEST_STAY_MS);
    expect(isReleased(a)).toBe(false);
    expect(clock.sleeping).toBe(0);
  });

  test('its time is over before it has a place -> nothing is left of it', async () => {
    const { clock, polls } = start(1);
    polls.park(ME);
    const left = waitForPlace(polls.park(ME), 5000, clock, NEVER);
    await clock.pass(5000);
    expect(await left).toBe(0);
  });

  test('the gateway drains -> those who wait are released too, and whoever comes then', () => {
    const { polls } = start(1);
    const places = [polls.park(ME), polls.park(ME)];
    polls.releaseAll();
    expect([...places, polls.park(OTHER)].map(isReleased)).toEqual([true, true, true]);
  });
});
