import type { ReadNow } from '../../follow/now.ts';
import { createRetryBudget, type RetryBudget } from '../../follow/retry-budget.ts';
import { isTransient } from '../../matrix/errors.ts';
import type { Milliseconds, RoomId } from '../../matrix/identifiers.ts';
import type { Clock } from '../../scheduling/clock.ts';
import type { StreamPosition } from '../../tokens/read-position.ts';
import type { SessionCall } from '../route.ts';
import type { Session } from '../session/session.ts';
import { Released, type ParkedPolls } from '../session/parked-polls.ts';
import { waitForPlace } from '../session/wait-for-place.ts';
import { writeAnswer } from './events-answer.ts';

/** The start of a poll: the token for the client, and what it means. */
export interface PollStart {
  token: string;
  position: StreamPosition;
}

/** A client's long poll while it waits. */
export interface LongPoll {
  /** Reads once where the poll starts; the result is known when the poll is looked at again. */
  startAt(read: () => Promise<PollStart>): Promise<PollStart>;
  /** The session, whose calls end when the client leaves, and when the poll is released. */
  session: Session;
  retryBudget: RetryBudget;
  /** The answer that nothing happened up to `end`. */
  quiet(end: string): string;
}

/** The client asked for this. */
interface PollQuery {
  from: string | undefined;
  timeoutMs: Milliseconds;
  /** The room that it is for, where it is for one alone. */
  roomId?: RoomId;
}

interface LongPollOptions {
  parkedPolls: ParkedPolls;
  readNow: ReadNow;
  clock: Clock;
}

/**
 * Holds a long poll open while `answer` works on it.
 *
 * An old client stops for ever at an error. So a poll that is released, or whose homeserver stays away until the
 * deadline, is answered with an empty chunk and its own token, or with *now* where it has none: nothing new, and nothing
 * lost. With `timeoutMs` 0, and for failures that will not pass, the error goes out.
 *
 * A poll that must wait for its place is first answered from what there is already, if anything.
 */
export async function holdLongPoll(
  { session: given, reply, signal: clientLeft }: SessionCall,
  { from, timeoutMs, roomId }: PollQuery,
  { parkedPolls, readNow, clock }: LongPollOptions,
  answer: (poll: LongPoll) => Promise<unknown>,
): Promise<unknown> {
  reply.type('application/json');
  let start: PollStart | undefined;
  const token = (): string | undefined => start?.token ?? from;

  async function look(
    retryBudget: RetryBudget,
    signal: AbortSignal,
  ): Promise<{ body: unknown; isQuiet: boolean }> {
    let isQuiet = false;
    const quiet = (end: string): string => {
      isQuiet = true;
      return writeAnswer({ chunk: [], start: token() ?? end, end });
    };
    const startAt: LongPoll['startAt'] = async (read) => (start ??= await read());
    const session = { ...given, account: given.account.until(signal) };
    const body = await answer({ startAt, session, retryBudget, quiet });
    return { body, isQuiet };
  }

  // It waits for nothing, so it takes nobody's place.
  if (timeoutMs === 0) return (await look(createRetryBudget(0, clock, clientLeft), clientLeft)).body;

  const place = parkedPolls.park(given.key);
  reply.raw.once('close', place.leave);
  const signal = AbortSignal.any([clientLeft, place.signal]);
  const retryBudget = createRetryBudget(timeoutMs, clock, signal);
  try {
    if (!place.hasEntered()) {
      const first = await look(createRetryBudget(0, clock, signal), signal).catch(nothingYet);
      if (first !== undefined && !first.isQuiet) return first.body;
      await waitForPlace(place, retryBudget.leftMs(), clock, signal);
    }
    return (await look(retryBudget, signal)).body;
  } catch (error) {
    if (!(error instanceof Released) && (token() === undefined || !isTransient(error))) throw error;
    const end =
      token() ??
      (await readNow(given.account, {
        setPresence: 'online',
        ...(roomId !== undefined && { roomId }),
      }));
    return writeAnswer({ chunk: [], start: end, end });
  }
}

/** Lets pass what fails for a while: it is asked again when the poll has its place. */
function nothingYet(error: unknown): undefined {
  if (!isTransient(error)) throw error;
}
