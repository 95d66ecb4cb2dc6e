import type { SessionKey } from '../caches/sessions.ts';
import type { Account } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import { isTransient, MatrixError } from '../matrix/errors.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import { messagesFilter } from '../translate/sync-filter.ts';
import type { Clock } from '../scheduling/clock.ts';
import { readCatchUp, type Step } from './catch-up.ts';
import { createPagesAhead } from './page-ahead.ts';
import type { IntervalSource } from './page-reader.ts';
import { tokenOf, type Remainder } from './remainder.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { SessionCursors } from './session-cursors.ts';

/** Describes whom one answer of a stream is for, and how large it may be. */
export interface AnswerRequest {
  session: { key: SessionKey; userId: UserId; account: Account };
  /** The token at which the answer starts: the client's `from`, or the one that was read for it. */
  token: string;
  /** The most room events that the answer may have. */
  limit: number;
  isRaw: boolean;
  retryBudget: RetryBudget;
}

/** Yields the steps of one answer; its return value is the token to go on with. */
export type CatchUpAnswer = AsyncGenerator<Step, string>;

export interface CatchUpAnswers {
  /**
   * Reads until the first event is at hand, waiting out failures; undefined where nothing is left to give. Where it takes
   * too long to find an event, the answer has none, and its token is where the reading got to.
   * Throws a failure that lasts until the retry budget is spent, where nothing was read before.
   */
  open(remainder: Remainder, request: AnswerRequest): Promise<CatchUpAnswer | undefined>;
}

/**
 * A room that fails in so many polls in a row is treated as one that refuses, and no longer stops the stream: see
 * docs/decisions/catch-up.md#rooms-that-fail.
 */
const FAILURES_BEFORE_GIVING_UP = 10;

/** An answer looks for something to give for so long at least, however short the client's own timeout is. */
const SHORTEST_READING_MS = 10_000;

const NO_STEPS: readonly Step[] = [];

/**
 * Gives catch-ups as answers: each begins with the first event at hand and ends behind the last one given, and the
 * rest is remembered.
 */
export function createCatchUpAnswers(options: {
  kind: () => Promise<HomeserverKind>;
  cursors: SessionCursors;
  clock: Clock;
  onRefusedRoom?: () => void;
}): CatchUpAnswers {
  const { cursors } = options;
  const pagesAhead = createPagesAhead();

  async function open(remainder: Remainder, request: AnswerRequest): Promise<CatchUpAnswer | undefined> {
    const { session, token, retryBudget, limit } = request;
    let failed: RoomId | undefined;
    let reached = remainder;
    const source: IntervalSource = {
      ...(await sourceFor(request)),
      onFailure: (roomId) => (failed = roomId),
      onProgress: (remaining) => (reached = remaining),
    };
    try {
      return await retryBudget.retryUntilDeadline(async () => {
        const steps = readCatchUp(reached, limit, source, session.account.signal);
        const first = await steps.next();
        if (first.done !== true) return giveSteps(first.value, steps, request);
        return first.value.rooms.length === 0 ? undefined : giveNothing(first.value, readingKeyOf(request));
      });
    } catch (error) {
      // What was read and showed nothing need not be read again.
      if (reached !== remainder && isTransient(error)) return giveNothing(reached, readingKeyOf(request));
      if (failed !== undefined) cursors.countFailure(session.key, token, failed);
      throw error;
    }
  }

  async function sourceFor({ session, token, isRaw, retryBudget }: AnswerRequest): Promise<IntervalSource> {
    const latestMs = options.clock.now() + SHORTEST_READING_MS;
    const kind = await options.kind();
    const filter = messagesFilter({ isRaw });
    return {
      readPage: (interval, page, { memo, signal }) =>
        kind.readPage(session.account.until(signal), interval, page, {
          ...(filter !== undefined && { filter }),
          memo,
        }),
      isGivenUp: (roomId) => cursors.failures(session.key, token, roomId) >= FAILURES_BEFORE_GIVING_UP,
      onRefused: () => options.onRefusedRoom?.(),
      isTooLate: () => retryBudget.leftMs() === 0 && options.clock.now() >= latestMs,
      pagesAhead,
    };
  }

  /** All steps. A failure ends the answer behind the last event that was given: the next call meets it again. */
  async function* giveSteps(
    first: Step,
    steps: AsyncGenerator<Step, Remainder>,
    { session, isRaw }: AnswerRequest,
  ): CatchUpAnswer {
    let remainder = first.remainder;
    try {
      yield first;
      for (let step = await steps.next(); ; step = await steps.next()) {
        if (step.done === true) {
          remainder = step.value;
          break;
        }
        remainder = step.value.remainder;
        yield step.value;
      }
    } catch (error) {
      if (!(error instanceof MatrixError) && !session.account.signal.aborted) throw error;
    } finally {
      await steps.return(remainder);
    }
    return keep(remainder, readingKeyOf({ session, isRaw }));
  }

  /** The answer of a reading that found nothing so far. */
  async function* giveNothing(remainder: Remainder, key: SessionKey): CatchUpAnswer {
    yield* NO_STEPS;
    return keep(remainder, key);
  }

  /** Remembers what is left; returns the token that means it. */
  function keep(remainder: Remainder, key: SessionKey): string {
    const end = tokenOf(remainder);
    if (remainder.rooms.length > 0) cursors.keepRemainder(key, end, remainder);
    return end;
  }

  return { open };
}

/**
 * Returns the key under which a remainder is kept, beside its token: the events are read in the form that the client
 * asks for.
 */
export function readingKeyOf({ session, isRaw }: Pick<AnswerRequest, 'session' | 'isRaw'>): SessionKey {
  return isRaw ? (`${session.key} raw` as SessionKey) : session.key;
}
