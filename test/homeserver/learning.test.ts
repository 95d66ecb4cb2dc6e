import { expect, onTestFinished, test } from 'vitest';
import { createLearning } from '../../src/homeserver/learning.ts';
import { FakeClock, settled } from '../support/fake-clock.ts';

/** What is learnt at each question; by default nothing new. */
type Answer = 'same' | 'changed' | 'away';

function aLearner(answer: () => Answer = () => 'same') {
  const clock = new FakeClock();
  const askedAt: number[] = [];
  const failures: unknown[] = [];
  const learning = createLearning({
    clock,
    learn: async () => {
      askedAt.push(clock.now());
      const given = answer();
      if (given === 'away') throw new Error('away');
      return given === 'changed';
    },
    onFailure: (error) => failures.push(error),
  });
  onTestFinished(() => learning.stop());
  learning.start();
  return { clock, askedAt, failures, learning };
}

test('the homeserver comes after the gateway -> asked until it is heard, with growing pauses', async () => {
  let isThere = false;
  const { clock, askedAt, failures } = aLearner(() => (isThere ? 'changed' : 'away'));
  await clock.pass(60_000);
  const pauses = askedAt.slice(1).map((at, i) => at - (askedAt[i] ?? 0));
  expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect(failures).toHaveLength(1);

  isThere = true;
  await clock.pass(15_000);
  const asked = askedAt.length;
  await clock.pass(4 * 60_000);
  expect(askedAt).toHaveLength(asked);
});

test('all is well -> asked again every few minutes, for ever', async () => {
  const { clock, askedAt } = aLearner();
  await clock.pass(60 * 60_000);
  expect(askedAt.length).toBeGreaterThanOrEqual(11);
  expect(askedAt.length).toBeLessThanOrEqual(13);
});

test('an answer contradicts what is known -> asked at once', async () => {
  const { clock, askedAt, learning } = aLearner();
  await clock.pass(60_000);
  expect(askedAt).toEqual([0]);
  learning.doubt();
  await settled();
  expect(askedAt).toEqual([0, 60_000]);
});

test('it goes away after it was heard, and comes back -> asked soon, and heard soon', async () => {
  let given: Answer = 'same';
  const { clock, askedAt, learning } = aLearner(() => given);
  await clock.pass(60_000);
  given = 'away';
  learning.doubt();
  await clock.pass(2000);
  given = 'changed';
  await clock.pass(2000);
  expect(askedAt).toEqual([0, 60_000, 60_500, 61_500, 63_500]);
});

test('doubts without end that are unfounded -> asked less and less, not more than once a minute', async () => {
  const { clock, askedAt, learning } = aLearner();
  for (let second = 0; second < 600; second += 1) {
    learning.doubt();
    await clock.pass(1000);
  }
  expect(askedAt.length).toBeLessThanOrEqual(20);
});

test('stopped -> nothing waits any more, and nothing is asked', async () => {
  const { clock, askedAt, learning } = aLearner();
  await clock.pass(1000);
  learning.stop();
  learning.doubt();
  await settled();
  expect(clock.sleeping).toBe(0);
  await clock.pass(60 * 60_000);
  expect(askedAt).toEqual([0]);
});
