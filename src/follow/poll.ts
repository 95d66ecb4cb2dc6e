import type { Account } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import type { Clock } from '../scheduling/clock.ts';
import { MatrixError } from '../matrix/errors.ts';
import type { SyncToken, UserId } from '../matrix/identifiers.ts';
import { isSilent, type StreamUpdate } from '../translate/events.ts';
import { pollFilter } from '../translate/sync-filter.ts';
import type { AnswerMemory } from './held-bytes.ts';
import { readStreamUpdate } from './read-update.ts';
import type { RetryBudget } from './retry-budget.ts';
import { settleTimelines } from './settled-timelines.ts';

/** The result of a poll: all that happened from `from` to `to`; without an update, a client would see nothing of it. */
export interface PollResult {
  from: SyncToken;
  to: SyncToken;
  update?: StreamUpdate;
}

export interface PollOptions {
  account: Account;
  kind: HomeserverKind;
  userId: UserId;
  since: SyncToken;
  isRaw: boolean;
  /** Takes out of an update from a position what was told before. */
  withoutRepeats?: (update: StreamUpdate, since: SyncToken) => StreamUpdate;
  retryBudget: RetryBudget;
  /** Counts what is held of the update. */
  memory: AnswerMemory;
  clock: Clock;
}

/** The shortest pause between two rounds, whatever the homeserver does: a poll never becomes a hot loop. */
const SHORTEST_PAUSE_MS = 50;
/**
 * The longest pause between two rounds. What happens meanwhile is seen that much later, so it is no longer than
 * people notice.
 */
const LONGEST_PAUSE_MS = 1000;

/**
 * Asks `/sync` until something shows that a legacy client would see, or the deadline has come.
 *
 * Wake-ups with nothing to show (to-device messages, push rules, device lists) are waited past, from the newest
 * token. Throws Synapse's 400 where the homeserver took the token for none and tells everything anew.
 *
 *
 *
 * @see docs/decisions/events.md
 */
export async function poll(options: PollOptions): Promise<PollResult> {
  const { account, kind, userId, retryBudget, memory, clock } = options;
  const filter = pollFilter({ isRaw: options.isRaw });
  let since = options.since;
  let pauseMs = SHORTEST_PAUSE_MS;
  for (;;) {
    const startedAt = clock.now();
    const given = await retryBudget.retryUntilDeadline(async () => {
      memory.release();
      const query = { filter, since, timeoutMs: retryBudget.leftMs(), setPresence: 'online' } as const;
      return readStreamUpdate(await account.streamSync(query), kind, userId, memory);
    });
    const { nextBatch, isInitial } = given;
    if (kind.resyncsOnBadSince === true && isInitial)
      throw new MatrixError(400, 'M_UNKNOWN', "'from' parameter is invalid");
    const reading = { account, kind, nextBatch };
    const rooms = await retryBudget.retryUntilDeadline(() => settleTimelines(given.rooms, reading));
    const told = { ...given, rooms };
    const update = options.withoutRepeats?.(told, since) ?? told;
    if (!isSilent(update)) return { from: since, to: nextBatch, update };
    since = nextBatch;
    if (retryBudget.leftMs() === 0) return { from: since, to: since };
    const pauseLeftMs = startedAt + pauseMs - clock.now();
    if (pauseLeftMs > 0) await clock.sleep(Math.min(pauseLeftMs, retryBudget.leftMs()), account.signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
