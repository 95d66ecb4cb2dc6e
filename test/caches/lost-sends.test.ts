import { describe, expect, test } from 'vitest';
import { createLostSends } from '../../src/caches/lost-sends.ts';
import { createTransactions } from '../../src/caches/transactions.ts';

describe('lost sends', () => {
  test('one that was lost -> its transaction id, once', () => {
    const lost = createLostSends({ maxBytes: 4096 });
    lost.keep('a', '1');
    expect([lost.take('b'), lost.take('a'), lost.take('a')]).toEqual([undefined, '1', undefined]);
  });

  test('more than there is room for -> the oldest are forgotten', () => {
    const lost = createLostSends({ maxBytes: 1536 });
    for (const send of ['a', 'b', 'c']) lost.keep(send, send);
    expect(['a', 'b', 'c'].map((send) => lost.take(send))).toEqual([undefined, 'b', 'c']);
  });
});

describe('transactions', () => {
  test('at once and later -> the work is done once', async () => {
    const transactions = createTransactions<number>({ maxBytes: 4096 });
    let done = 0;
    const work = async () => (done += 1);
    expect(await Promise.all([transactions.once('a', work), transactions.once('a', work)])).toEqual([1, 1]);
    expect(await transactions.once('a', work)).toBe(1);
    expect(await transactions.once('b', work)).toBe(2);
  });

  test('a failure -> told to who waits, then forgotten', async () => {
    const transactions = createTransactions<string>({ maxBytes: 4096 });
    await expect(transactions.once('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await transactions.once('a', async () => 'yes')).toBe('yes');
  });
});
