import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ReadNow } from '../../follow/now.ts';
import { createPatience, type Patience } from '../../follow/poll.ts';
import type { Clock } from '../../scheduling/clock.ts';
import { isTransient } from '../../matrix/errors.ts';
import type { Milliseconds, RoomId } from '../../matrix/identifiers.ts';
import { writeAnswer } from './events-answer.ts';
import { Released, waitForPlace, type ParkedPolls } from '../session/parked-polls.ts';
import type { Session } from '../session/session.ts';

/** A client's long poll while it waits. */
export interface LongPoll {
  /** Where it started: what the client sent, or the position that *now* turned out to be. */
  start: string | undefined;
  patience: Patience;
  /** Aborts when the client leaves, and when the poll is released. */
  signal: AbortSignal;
  /** The answer that nothing happened up to `end`. */
  quiet(end: string): string;
}

interface HeldPoll {
  request: FastifyRequest;
  reply: FastifyReply;
  session: Session;
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
  held: HeldPoll,
  { parkedPolls, readNow, clock }: LongPollOptions,
  answer: (poll: LongPoll) => Promise<unknown>,
): Promise<unknown> {
  const { request, reply, session, roomId, timeoutMs } = held;
  reply.type('application/json');
  let start = held.from;

  async function look(patience: Patience, signal: AbortSignal): Promise<{ body: unknown; isQuiet: boolean }> {
    let isQuiet = false;
    const quiet = (end: string): string => {
      isQuiet = true;
      return writeAnswer({ chunk: [], start: poll.start ?? end, end });
    };
    const poll: LongPoll = { start, patience, signal, quiet };
    try {
      const body = await answer(poll);
      return { body, isQuiet };
    } finally {
      ({ start } = poll);
    }
  }

  // It waits for nothing, so it takes nobody's place.
  if (timeoutMs === 0) return (await look(createPatience(0, clock, request.signal), request.signal)).body;

  const place = parkedPolls.park(session.key);
  reply.raw.once('close', place.leave);
  const signal = AbortSignal.any([request.signal, place.signal]);
  const patience = createPatience(timeoutMs, clock, signal);
  try {
    if (!place.hasEntered()) {
      const first = await look(createPatience(0, clock, signal), signal).catch(nothingYet);
      if (first !== undefined && !first.isQuiet) return first.body;
      await waitForPlace(place, patience.leftMs(), clock, signal);
    }
    return (await look(patience, signal)).body;
  } catch (error) {
    if (error instanceof Released) {
      start ??= await readNow(session.caller, {
        setPresence: 'online',
        signal: request.signal,
        ...(roomId !== undefined && { roomId }),
      });
    } else if (start === undefined || !isTransient(error)) throw error;
    return writeAnswer({ chunk: [], start, end: start });
  }
}

/** What fails for a while is asked again when the poll has its place. */
function nothingYet(error: unknown): undefined {
  if (!isTransient(error)) throw error;
}
