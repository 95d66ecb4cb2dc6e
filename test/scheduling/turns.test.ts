import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTurns, type Turns } from '../../src/scheduling/turns.ts';
import { settled } from '../support/fake-clock.ts';

const NEVER = new AbortController().signal;

/** Asks for a turn; tells in `log` when it begins. */
function ask(turns: Turns, owner: string, log: string[], signal = NEVER): Promise<() => void> {
  const turn = turns.enter(owner, signal);
  turn.then(
    () => log.push(owner),
    () => log.push(`${owner} gave up`),
  );
  return turn;
}

describe('turns', () => {
  test('any requests, ends and clients that leave -> both bounds hold, and nobody is passed over twice', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ ask: fc.constantFrom('a', 'b', 'c', 'd') }) },
      { weight: 2, arbitrary: fc.record({ end: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ leave: fc.nat() }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 60 }),
        async (most, mostOfOne, steps) => {
          const turns = createTurns({ most, mostOfOne });
          const running: { owner: string; end: () => void }[] = [];
          const waiting: { owner: string; client: AbortController }[] = [];
          /** How many turns of another owner began while an owner could have had one. */
          const passedOver = new Map<string, Map<string, number>>();
          const runningOf = (owner: string) => running.filter((turn) => turn.owner === owner).length;
          const mayHaveOne = (owner: string) =>
            waiting.some((request) => request.owner === owner) && runningOf(owner) < mostOfOne;

          for (const each of steps) {
            if ('ask' in each) {
              const request = { owner: each.ask, client: new AbortController() };
              waiting.push(request);
              turns.enter(each.ask, request.client.signal).then(
                (end) => {
                  expect(waiting.find(({ owner }) => owner === request.owner)).toBe(request);
                  waiting.splice(waiting.indexOf(request), 1);
                  running.push({ owner: request.owner, end });
                  passedOver.delete(request.owner);
                  for (const other of 'abcd') {
                    if (other === request.owner || !mayHaveOne(other)) continue;
                    const by = passedOver.get(other) ?? new Map<string, number>();
                    passedOver.set(other, by.set(request.owner, (by.get(request.owner) ?? 0) + 1));
                  }
                },
                () => {},
              );
            } else if ('end' in each && running.length > 0) {
              const [turn] = running.splice(each.end % running.length, 1);
              turn?.end();
              turn?.end();
            } else if ('leave' in each && waiting.length > 0) {
              const [request] = waiting.splice(each.leave % waiting.length, 1);
              request?.client.abort(new Error('left'));
            }
            await settled();
            for (const owner of 'abcd') if (!mayHaveOne(owner)) passedOver.delete(owner);
            expect([turns.running, turns.waiting]).toEqual([running.length, waiting.length]);
            expect(running.length).toBeLessThanOrEqual(most);
            for (const owner of 'abcd') expect(runningOf(owner)).toBeLessThanOrEqual(mostOfOne);
            // No turn lies idle while somebody may have it.
            if (running.length < most) expect([...'abcd'].filter(mayHaveOne)).toEqual([]);
            for (const by of passedOver.values())
              for (const times of by.values()) expect(times).toBeLessThanOrEqual(1);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test('one owner asks for a thousand, then another for one -> that one is next but one', async () => {
    const turns = createTurns({ most: 1, mostOfOne: 1 });
    const log: string[] = [];
    const all = Array.from({ length: 1000 }, () => ask(turns, 'greedy', log));
    const one = ask(turns, 'modest', log);
    (await all[0])?.();
    expect((await one) !== undefined && log).toEqual(['greedy', 'modest']);
  });

  test('a turn that does not come in time -> the refusal, and its place is free', async () => {
    const refusal = () => Object.assign(new Error('too many'), {}) as never;
    const turns = createTurns({ most: 1, mostOfOne: 1, waitMs: 1, refusal });
    const end = await turns.enter('a', NEVER);
    await expect(turns.enter('b', NEVER)).rejects.toThrow('too many');
    expect(turns.waiting).toBe(0);
    end();
    (await turns.enter('c', NEVER))();
    expect(turns.running).toBe(0);
  });
});
