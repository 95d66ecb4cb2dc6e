import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MatrixError } from '../../src/matrix/errors.ts';
import { createTurns } from '../../src/scheduling/turns.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const refusal = () => new MatrixError(503, 'M_UNKNOWN', 'Too many');
const turnsOf = (most: number, mostOfOne = most) => createTurns({ most, mostOfOne, waitMs: 1000, refusal });

/** Asks for turns by name, and tells which run and which were refused. */
function asking(turns: ReturnType<typeof createTurns>) {
  const log: string[] = [];
  const leave = new Map<string, () => void>();
  return {
    log,
    enter: (sharer: string, name: string) =>
      leave.set(
        name,
        turns.ask(
          sharer,
          () => log.push(name),
          (error) => log.push(`${name} ${(error as MatrixError).status}`),
        ),
      ),
    leave: (name: string) => leave.get(name)?.(),
  };
}

describe('turns that are asked for', () => {
  test('as many as there may be -> at once; more -> when one leaves', () => {
    const { log, enter, leave } = asking(turnsOf(2));
    for (const name of ['a1', 'a2', 'a3', 'a4']) enter('a', name);
    expect(log).toEqual(['a1', 'a2']);
    leave('a1');
    leave('a1');
    expect(log).toEqual(['a1', 'a2', 'a3']);
  });

  test('many of one who wait, and has a turn -> the others come before its next one', () => {
    const { log, enter, leave } = asking(turnsOf(1));
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1']) enter(name.slice(0, 1), name);
    const order = ['a1', 'b1', 'c1', 'a2', 'a3'];
    for (const name of order) leave(name);
    expect(log).toEqual(order);
  });

  test('one has all of his share -> the rest is left for others', () => {
    const { log, enter } = asking(turnsOf(4, 2));
    for (const name of ['a1', 'a2', 'a3', 'b1']) enter(name.slice(0, 1), name);
    expect(log).toEqual(['a1', 'a2', 'b1']);
  });

  test('no turn comes -> 503 when the time is over, and none afterwards', () => {
    const refused = vi.fn(refusal);
    const turns = createTurns({ most: 1, mostOfOne: () => 1, waitMs: 1000, refusal: refused });
    const { log, enter, leave } = asking(turns);
    enter('a', 'a1');
    enter('b', 'b1');
    vi.advanceTimersByTime(999);
    expect(log).toEqual(['a1']);
    vi.advanceTimersByTime(1);
    leave('a1');
    expect(log).toEqual(['a1', 'b1 503']);
    expect([refused.mock.calls.length, turns.running, turns.waiting]).toEqual([1, 0, 0]);
  });

  test('who waits leaves -> is forgotten', () => {
    const turns = turnsOf(1);
    const { log, enter, leave } = asking(turns);
    for (const name of ['a1', 'a2', 'a3']) enter('a', name);
    leave('a2');
    leave('a1');
    vi.advanceTimersByTime(5000);
    expect(log).toEqual(['a1', 'a3']);
    expect([turns.running, turns.waiting]).toEqual([1, 0]);
  });

  test('any coming and going -> never more than the bounds, nobody lost, all bounds free at the end', () => {
    const step = fc.record({ sharer: fc.constantFrom('a', 'b', 'c'), leaves: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const turns = turnsOf(4, 2);
        const running = new Map<string, number>();
        const open: { sharer: string; leave: () => void; runs: boolean }[] = [];
        let started = 0;
        const end = (index: number): void => {
          const [one] = open.splice(index, 1);
          if (one?.runs === true) running.set(one.sharer, (running.get(one.sharer) ?? 0) - 1);
          one?.leave();
        };
        for (const { sharer, leaves } of steps) {
          const one = { sharer, leave: () => {}, runs: false };
          open.push(one);
          one.leave = turns.ask(
            sharer,
            () => {
              one.runs = true;
              started += 1;
              running.set(sharer, (running.get(sharer) ?? 0) + 1);
              expect(running.get(sharer)).toBeLessThanOrEqual(2);
              expect([...running.values()].reduce((sum, count) => sum + count)).toBeLessThanOrEqual(4);
            },
            () => {},
          );
          for (let n = 0; n < leaves && open.length > 3; n += 1) end(open.findIndex(({ runs }) => runs));
        }
        while (open.length > 0)
          end(
            Math.max(
              0,
              open.findIndex(({ runs }) => runs),
            ),
          );
        expect([started, turns.running, turns.waiting]).toEqual([steps.length, 0, 0]);
      }),
    );
  });
});
