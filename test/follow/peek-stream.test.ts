import { describe, expect, test } from 'vitest';
import type { SessionKey } from '../../src/caches/sessions.ts';
import { createCatchUpAnswers } from '../../src/follow/catch-up-answer.ts';
import { rememberPositions } from '../../src/follow/known-positions.ts';
import { createPeekStream } from '../../src/follow/peek-stream.ts';
import { createRetryBudget } from '../../src/follow/retry-budget.ts';
import type { Watcher } from '../../src/follow/room-watch.ts';
import { createSessionCursors } from '../../src/follow/session-cursors.ts';
import type { HomeserverKind } from '../../src/homeserver/kinds/kind.ts';
import { synapse } from '../../src/homeserver/kinds/synapse.ts';
import type { RoomId, SyncToken, UserId } from '../../src/matrix/identifiers.ts';
import { FakeHomeserver } from '../support/fake-homeserver.ts';
import { FakeClock } from '../support/fake-clock.ts';

const room = '!room:test' as RoomId;
const NOW = 's5_0' as SyncToken;

/** Polls a silent room until the poll waits; tells from which position it would be probed, and what was asked before. */
async function watchFrom(since: string) {
  const clock = new FakeClock();
  const cursors = createSessionCursors({ maxBytes: 1000 });
  const probed: string[] = [];
  const kind: HomeserverKind = {
    ...synapse,
    hasNews: async (_account, _roomId, position) => {
      probed.push(position);
      return false;
    },
  };
  const positions = rememberPositions(
    async () => {
      probed.push('now');
      return NOW;
    },
    { maxBytes: 1 << 16 },
  );
  const account = new FakeHomeserver().as();
  const readNow = () => positions.readNow(account, { setPresence: 'online' });
  const waiting = Promise.withResolvers<Watcher>();
  const peeks = createPeekStream({
    kind: async () => kind,
    answers: createCatchUpAnswers({ kind: async () => kind, cursors, clock }),
    cursors,
    positions,
    watch: {
      wait: async (_roomId, watcher) => {
        waiting.resolve(watcher);
        await new Promise(() => {});
      },
      announce: () => {},
      expect: () => {},
      bytes: 0,
    },
  });
  const request = {
    session: { key: 'session' as SessionKey, account, userId: '@me:test' as UserId },
    token: since,
    limit: 10,
    isRaw: false,
    retryBudget: createRetryBudget(30_000, clock, account.signal),
    refuseUnreadable: async () => {},
  };
  if (since === NOW) await readNow();
  void peeks.follow(room, { syncToken: since as SyncToken }, request);
  const watcher = await waiting.promise;
  await watcher.probe(account.signal);
  return probed;
}

describe('a poll of one room that waits', () => {
  test('a position that the homeserver told -> probed from there', async () => {
    expect(await watchFrom(NOW)).toEqual(['now', NOW, NOW]);
  });

  test('a position that it did not tell, maybe in the future -> probed from where the room was before the look', async () => {
    expect(await watchFrom('s999999999_0')).toEqual(['now', 's999999999_0', NOW]);
  });
});
