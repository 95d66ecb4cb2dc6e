import { describe, expect, test } from 'vitest';
import { createVisibilities, type RoomVisibility } from '../../../src/caches/visibility.ts';
import { createVisibilityWait, privateIfRefused } from '../../../src/endpoints/streamed/visibility-wait.ts';
import { createTurns } from '../../../src/scheduling/turns.ts';
import type { RoomId } from '../../../src/matrix/identifiers.ts';
import { aRefusal } from '../../support/fake-homeserver.ts';
import { FakeClock, settled } from '../../support/fake-clock.ts';

/** A directory that answers one room when it is told to. */
class Directory {
  readonly asked: RoomId[] = [];
  readonly clock = new FakeClock();
  readonly #open: PromiseWithResolvers<RoomVisibility>[] = [];
  readonly #visibilities = createVisibilities({
    maxBytes: 1 << 24,
    ask: (roomId) => {
      this.asked.push(roomId);
      const answer = Promise.withResolvers<RoomVisibility>();
      this.#open.push(answer);
      return answer.promise;
    },
  });
  readonly #turns = createTurns({ most: 4, mostOfOne: 2 });

  forAnAnswer(signal = new AbortController().signal, budgetMs = 2000) {
    return createVisibilityWait({
      visibilities: this.#visibilities,
      visibilityTurns: this.#turns,
      clock: this.clock,
      budgetMs,
      signal,
    });
  }

  async answer(times = 1): Promise<void> {
    for (let i = 0; i < times; i += 1) {
      this.#open.shift()?.resolve('public');
      await settled();
    }
  }

  async fail(): Promise<void> {
    this.#open.shift()?.reject(new Error('down'));
    await settled();
  }
}

const roomsOf = (owner: string, count: number): RoomId[] =>
  Array.from({ length: count }, (_, i) => `!${owner}${i}` as RoomId);

describe('the visibilities of an answer', () => {
  test('asked ahead -> a few at a time, in their order', async () => {
    const directory = new Directory();
    directory.forAnAnswer().askAhead(roomsOf('a', 5));
    await settled();
    expect(directory.asked).toEqual(['!a0', '!a1']);
    await directory.answer();
    expect(directory.asked).toEqual(['!a0', '!a1', '!a2']);
  });

  test('one that is needed now -> asked before all that may be needed', async () => {
    const directory = new Directory();
    const wait = directory.forAnAnswer();
    wait.askAhead(roomsOf('a', 1000));
    await settled();
    const needed = wait.of('!a900' as RoomId);
    await directory.answer(3);
    expect(directory.asked.indexOf('!a900' as RoomId)).toBe(2);
    expect(await needed).toBe('public');
  });

  test('an account with 10,000 rooms -> another answer has its own few within a few', async () => {
    const directory = new Directory();
    directory.forAnAnswer().askAhead(roomsOf('large', 10_000));
    await settled();
    const other = directory.forAnAnswer();
    other.askAhead(roomsOf('small', 2));
    await directory.answer(2);
    expect(directory.asked).toEqual(expect.arrayContaining(['!small0', '!small1']));
    expect(directory.asked.length).toBeLessThan(8);
  });

  test('the client leaves -> nothing more is asked', async () => {
    const directory = new Directory();
    const leaving = new AbortController();
    directory.forAnAnswer(leaving.signal).askAhead(roomsOf('a', 10_000));
    await directory.answer(3);
    const { length } = directory.asked;
    leaving.abort();
    await directory.answer(10);
    expect(directory.asked).toHaveLength(length);
  });

  test('what does not come in time, in all, or fails -> undefined', async () => {
    const directory = new Directory();
    const wait = directory.forAnAnswer(undefined, 2000);
    const late = wait.of('!late' as RoomId);
    await directory.clock.pass(2000);
    expect(await late).toBeUndefined();
    // The budget is that of the answer.
    expect(await wait.of('!next' as RoomId)).toBeUndefined();
    const failing = directory.forAnAnswer().of('!fails' as RoomId);
    await settled();
    await directory.fail();
    await directory.fail();
    expect(await failing).toBeUndefined();
  });

  test('a directory that refuses -> private; one that fails -> its error', () => {
    expect(privateIfRefused(aRefusal(404, 'M_NOT_FOUND', 'Unknown room'))).toBe('private');
    expect(() => privateIfRefused(aRefusal(500, 'M_UNKNOWN', 'x'))).toThrow();
    // A page that is no JSON.
    expect(() => privateIfRefused(aRefusal(404, 'M_UNKNOWN', 'The homeserver refused'))).toThrow();
  });
});
