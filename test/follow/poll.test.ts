// The long poll on /sync, with a clock that stands still until a test moves it.

import { describe, expect, test } from 'vitest';
import { poll } from '../../src/follow/poll.ts';
import { createRetryBudget } from '../../src/follow/retry-budget.ts';
import { sandbox } from '../../src/homeserver/kinds/sandbox.ts';
import type { HomeserverKind } from '../../src/homeserver/kinds/kind.ts';
import type { Milliseconds, SyncToken, UserId } from '../../src/matrix/identifiers.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aRefusal, FakeHomeserver, inChunks } from '../support/fake-homeserver.ts';

const START = 'sbx_0' as SyncToken;

/** A poll at a homeserver that gives one of these answers after the other, and then nothing new at once. */
function aPoll(timeoutMs: Milliseconds, answers: (object | Error)[] = [], kind: HomeserverKind = sandbox) {
  const clock = new FakeClock();
  const askedAtMs: Milliseconds[] = [];
  const homeserver = new FakeHomeserver({
    streamSync: async () => {
      askedAtMs.push(clock.now());
      const answer = answers.shift() ?? { next_batch: `sbx_${askedAtMs.length}` };
      if (answer instanceof Error) throw answer;
      return inChunks(answer);
    },
  });
  const account = homeserver.as();
  const result = poll({
    account,
    kind,
    userId: '@me:test' as UserId,
    since: START,
    isRaw: false,
    retryBudget: createRetryBudget(timeoutMs, clock, account.signal),
    memory: { take: () => true, give: () => {}, release: () => {} },
    clock,
  });
  // A poll that fails at once is looked at when time has passed.
  result.catch(() => {});
  return {
    clock,
    askedAtMs,
    result,
    sinces: () => homeserver.callsOf('streamSync').map(([{ since }]) => since),
  };
}

const aMessage = {
  type: 'm.room.message',
  event_id: '$1',
  sender: '@a:test',
  origin_server_ts: 1,
  content: {},
};
const withMessage = {
  next_batch: 'sbx_9',
  rooms: { join: { '!r:test': { timeline: { events: [aMessage], limited: false, prev_batch: 'sbm_1' } } } },
};
const down = aRefusal(502, 'M_UNKNOWN', 'Bad gateway');

describe('a homeserver that comes back at once with nothing', () => {
  test('a poll of 1.5 s -> asked after pauses that double, from the newest token, and no more at the deadline', async () => {
    const { clock, askedAtMs, result, sinces } = aPoll(1500);
    await clock.pass(2000);
    expect(askedAtMs).toEqual([0, 50, 150, 350, 750, 1500]);
    expect(sinces().slice(0, 3)).toEqual([START, 'sbx_1', 'sbx_2']);
    expect(await result).toEqual({ from: 'sbx_6', to: 'sbx_6' });
  });

  test('a poll of a minute -> asked once a second in the end', async () => {
    const { clock, askedAtMs } = aPoll(60_000);
    await clock.pass(30_000);
    expect(askedAtMs.slice(-3).map((at, i, all) => at - (all[i - 1] ?? at))).toEqual([0, 1000, 1000]);
  });

  test('a poll of 0 -> asked once', async () => {
    const { askedAtMs, result } = aPoll(0);
    await result;
    expect(askedAtMs).toEqual([0]);
  });
});

test('something to show -> given at once, with where it began and ended', async () => {
  const { clock, result } = aPoll(30_000, [{ next_batch: 'sbx_5' }, withMessage]);
  await clock.pass(50);
  expect(await result).toMatchObject({
    from: 'sbx_5',
    to: 'sbx_9',
    update: { rooms: [{ roomId: '!r:test' }] },
  });
});

describe('a homeserver that fails', () => {
  test('twice, then answers -> asked again after longer and longer pauses', async () => {
    const { clock, askedAtMs, result } = aPoll(30_000, [down, down, withMessage]);
    await clock.pass(1000);
    expect(askedAtMs).toEqual([0, 50, 150]);
    expect(await result).toMatchObject({ to: 'sbx_9' });
  });

  test('until the deadline -> its last error', async () => {
    const { clock, result } = aPoll(1000, Array(100).fill(down));
    await clock.pass(2000);
    await expect(result).rejects.toMatchObject({ status: 502 });
  });

  test('with a 429 that names a time -> not asked before', async () => {
    const limited = aRefusal(429, 'M_LIMIT_EXCEEDED', 'Slow down', { retry_after_ms: 3000 });
    const { clock, askedAtMs } = aPoll(30_000, [limited, withMessage]);
    await clock.pass(5000);
    expect(askedAtMs).toEqual([0, 3000]);
  });

  test('with a refusal that will not pass -> that, at once', async () => {
    const { askedAtMs, result } = aPoll(30_000, [aRefusal(403, 'M_FORBIDDEN', 'No')]);
    await expect(result).rejects.toMatchObject({ status: 403 });
    expect(askedAtMs).toEqual([0]);
  });
});

test('a homeserver that takes a bad token for none -> 400, and nothing of what it tells anew', async () => {
  const create = { ...aMessage, type: 'm.room.create', state_key: '' };
  const anew = {
    next_batch: 'sbx_9',
    account_data: { events: [{ type: 'm.push_rules', content: {} }] },
    rooms: { join: { '!r:test': { timeline: { events: [create], limited: false } } } },
  };
  const { result } = aPoll(30_000, [anew], { ...sandbox, resyncsOnBadSince: true });
  await expect(result).rejects.toMatchObject({ status: 400, errcode: 'M_UNKNOWN' });
});
