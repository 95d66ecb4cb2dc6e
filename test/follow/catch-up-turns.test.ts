import { describe, expect, test } from 'vitest';
import type { SessionKey } from '../../src/caches/sessions.ts';
import type { AnswerRequest, CatchUpAnswer } from '../../src/follow/catch-up-answer.ts';
import { withTurns } from '../../src/follow/catch-up-turns.ts';
import { createTurns } from '../../src/scheduling/turns.ts';
import { settled } from '../support/fake-clock.ts';
import { FakeHomeserver } from '../support/fake-homeserver.ts';

async function* oneStep(): CatchUpAnswer {
  yield {} as never;
  return 'end';
}

function start(open: () => Promise<CatchUpAnswer | undefined> = async () => oneStep()) {
  const turns = createTurns({ most: 4, mostOfOne: 2 });
  const answers = withTurns({ open }, turns);
  const ask = (key: string, signal = new AbortController().signal) =>
    answers.open(
      {} as never,
      {
        session: { key: key as SessionKey, account: new FakeHomeserver().as(undefined, signal) },
      } as AnswerRequest,
    );
  return { turns, ask };
}

describe('catch-ups of one session', () => {
  test('more than two at once -> the third begins when one was given to its end', async () => {
    const { turns, ask } = start();
    const [first] = await Promise.all([ask('a'), ask('a !room')]);
    let third: CatchUpAnswer | undefined;
    void ask('a !other').then((steps) => (third = steps));
    await settled();
    expect([turns.running, third]).toEqual([2, undefined]);
    await first?.next();
    await first?.next();
    await settled();
    expect(third).toBeDefined();
    expect(turns.waiting).toBe(0);
  });

  test.each([
    { name: 'nothing is left', open: async () => undefined },
    { name: 'the homeserver fails', open: async () => Promise.reject(new Error('down')) },
  ])('$name -> the turn is over', async ({ open }) => {
    const { turns, ask } = start(open);
    await ask('a').catch(() => {});
    expect(turns.running).toBe(0);
  });

  test('a client that leaves before the first byte, or while it waits -> no turn is held', async () => {
    const { turns, ask } = start();
    const leaving = new AbortController();
    const asked = [1, 2, 3].map(() => ask('a', leaving.signal).catch(() => {}));
    await settled();
    leaving.abort();
    await Promise.all(asked);
    expect([turns.running, turns.waiting]).toEqual([0, 0]);
  });

  test('an answer that is ended early -> the turn is over', async () => {
    const { turns, ask } = start();
    const steps = await ask('a');
    await steps?.next();
    await steps?.return('');
    expect(turns.running).toBe(0);
  });
});
