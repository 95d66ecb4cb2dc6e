import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLoopBudget } from '../../src/scheduling/loop-budget.ts';
import { TurnMeter } from '../support/turn-meter.ts';

const BUDGET = 1000;

/** Works on pieces one after the other, each in its turn. */
async function work(
  budget: ReturnType<typeof createLoopBudget>,
  pieces: readonly number[],
  onPiece: (bytes: number) => void,
): Promise<void> {
  for (const bytes of pieces) {
    await budget.turnFor(bytes);
    onPiece(bytes);
  }
}

describe('the budget of a turn of the event loop', () => {
  test('however many work at once -> a turn does at most the budget and one piece more, and all is done', async () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 3 * BUDGET }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 30 }), async (workers) => {
        const budget = createLoopBudget(BUDGET);
        const meter = new TurnMeter();
        let done = 0;
        await Promise.all(
          workers.map((each) =>
            work(budget, each, (bytes) => {
              meter.note(bytes);
              done += bytes;
            }),
          ),
        );
        meter.end();
        const largest = Math.max(0, ...workers.flat());
        expect(meter.most).toBeLessThan(2 * (BUDGET + largest));
        expect(done).toBe(workers.flat().reduce((sum, bytes) => sum + bytes, 0));
      }),
      { numRuns: 50 },
    );
  });

  test('many work at once -> nobody is ahead of another by more than a turn', async () => {
    const budget = createLoopBudget(BUDGET);
    const done = Array.from({ length: 20 }, () => 0);
    let furthestAhead = 0;
    await Promise.all(
      done.map((_, worker) =>
        work(budget, Array<number>(50).fill(100), () => {
          done[worker] = (done[worker] ?? 0) + 1;
          if (Math.max(...done) < 50)
            furthestAhead = Math.max(furthestAhead, Math.max(...done) - Math.min(...done));
        }),
      ),
    );
    expect(furthestAhead).toBeLessThanOrEqual(BUDGET / 100);
  });

  test('something is left -> nobody waits', () => {
    const budget = createLoopBudget(BUDGET);
    expect(budget.turnFor(BUDGET - 1)).toBeUndefined();
    expect(budget.turnFor(5 * BUDGET)).toBeUndefined();
    expect(budget.turnFor(1)).toBeInstanceOf(Promise);
  });

  test('spent -> whoever asked goes on in a later turn, in the order of asking', async () => {
    const budget = createLoopBudget(BUDGET);
    const order: string[] = [];
    expect(budget.spend(BUDGET)).toBe(false);
    budget.whenLeft(() => order.push('first'));
    const second = budget.turnFor(1)?.then(() => order.push('second'));
    expect(order).toEqual([]);
    await second;
    expect(order).toEqual(['first', 'second']);
  });
});
