import type { FastifyReply, FastifyRequest } from 'fastify';
import { createPatience, type Patience } from '../cursors/poll.ts';
import type { Clock } from '../http/clock.ts';
import { isTransient } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import type { EventsResponse } from '../matrix/legacy.ts';
import { Released, type ParkedPolls } from './parked-polls.ts';
import type { Session } from './session.ts';

/** A client's long poll while it waits. */
export interface LongPoll {
  /** Where it started: what the client sent, or the position that *now* turned out to be. */
  start: string | undefined;
  patience: Patience;
  /** Aborts when the client leaves, and when the poll is released. */
  signal: AbortSignal;
}

/**
 * Holds a long poll open while `answer` works on it.
 *
 * An old client stops for ever at an error. So a poll that is released, or whose homeserver stays away until the
 * deadline, is answered with an empty chunk and its own token: nothing new, and nothing lost. With `timeoutMs` 0, and for
 * failures that will not pass, the error goes out.
 */
export async function holdLongPoll(
  held: {
    request: FastifyRequest;
    reply: FastifyReply;
    session: Session;
    from: string | undefined;
    timeoutMs: Milliseconds;
  },
  { parkedPolls, clock }: { parkedPolls: ParkedPolls; clock: Clock },
  answer: (poll: LongPoll) => Promise<unknown>,
): Promise<unknown> {
  const { request, reply, session, from, timeoutMs } = held;
  const place = parkedPolls.park(session.key);
  reply.raw.once('close', place.leave);
  reply.type('application/json');
  const signal = AbortSignal.any([request.signal, place.signal]);
  const poll: LongPoll = { start: from, patience: createPatience(timeoutMs, clock, signal), signal };
  try {
    return await answer(poll);
  } catch (error) {
    const isOver = error instanceof Released || (timeoutMs > 0 && isTransient(error));
    if (poll.start === undefined || !isOver) throw error;
    const quiet: EventsResponse = { chunk: [], start: poll.start, end: poll.start };
    return JSON.stringify(quiet);
  }
}
