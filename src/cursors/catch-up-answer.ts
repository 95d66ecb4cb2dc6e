import type { SessionKey } from '../caches/sessions.ts';
import type { Caller, Homeserver } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import { MatrixError } from '../matrix/errors.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import { messagesFilter } from '../translate/sync-filter.ts';
import { readCatchUp, tokenOf, type IntervalSource, type Remainder, type Step } from './catch-up.ts';
import type { Patience } from './poll.ts';
import type { SessionCursors } from './session-cursors.ts';

/** What one answer of a stream is for. */
export interface AnswerRequest {
  session: { key: SessionKey; caller: Caller; userId: UserId };
  /** What the client sent as `from`. */
  token: string;
  /** At most so many room events in this answer. */
  limit: number;
  isRaw: boolean;
  patience: Patience;
  signal: AbortSignal;
}

/** The steps of one answer; its return value is the token to go on with. */
export type CatchUpAnswer = AsyncGenerator<Step, string>;

export interface CatchUpAnswers {
  /**
   * Reads until the first event is at hand, waiting out failures; undefined where nothing is left to give.
   * Throws a failure that outlasts the client's patience.
   */
  open(remainder: Remainder, request: AnswerRequest): Promise<CatchUpAnswer | undefined>;
}

/** In as many polls in a row a room may fail, before it is treated as one that refuses and no longer stops the stream. */
const FAILURES_BEFORE_GIVING_UP = 10;

/** Catch-ups as answers: begun with the first event at hand, ended behind the last one given, the rest remembered. */
export function createCatchUpAnswers(options: {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  cursors: SessionCursors;
  onRefusedRoom?: () => void;
}): CatchUpAnswers {
  const { homeserver, cursors } = options;

  async function open(remainder: Remainder, request: AnswerRequest): Promise<CatchUpAnswer | undefined> {
    const { session, token, patience, limit, signal } = request;
    let failed: RoomId | undefined;
    const source = await sourceFor(request, (roomId) => (failed = roomId));
    try {
      return await patience.outlast(async () => {
        const steps = readCatchUp(remainder, limit, source, signal);
        const first = await steps.next();
        return first.done === true ? undefined : giveSteps(first.value, steps, request);
      });
    } catch (error) {
      if (failed !== undefined) cursors.countFailure(session.key, token, failed);
      throw error;
    }
  }

  async function sourceFor(
    request: AnswerRequest,
    onFailure: (roomId: RoomId) => void,
  ): Promise<IntervalSource> {
    const { session, token, isRaw } = request;
    const kind = await options.kind();
    const filter = messagesFilter({ isRaw });
    return {
      readPage: (interval, page, reading) =>
        kind.readPage(homeserver, session.caller, interval, page, {
          ...(filter !== undefined && { filter }),
          ...reading,
        }),
      isGivenUp: (roomId) => cursors.failures(session.key, token, roomId) >= FAILURES_BEFORE_GIVING_UP,
      onRefused: () => options.onRefusedRoom?.(),
      onFailure,
    };
  }

  /** All steps. A failure ends the answer behind the last event that was given: the next call meets it again. */
  async function* giveSteps(
    first: Step,
    steps: AsyncGenerator<Step, Remainder>,
    { session, signal }: AnswerRequest,
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
      if (!(error instanceof MatrixError) && !signal.aborted) throw error;
    } finally {
      await steps.return(remainder);
    }
    const end = tokenOf(remainder);
    if (remainder.rooms.length > 0) cursors.keepRemainder(session.key, end, remainder);
    return end;
  }

  return { open };
}
