import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import type { Clock } from '../scheduling/clock.ts';
import type { RoomId, SyncToken } from '../matrix/identifiers.ts';
import { countRoomEvents, type StreamUpdate } from '../translate/events.ts';
import { catchUpFilter } from '../translate/sync-filter.ts';
import {
  readingKeyOf,
  type AnswerRequest,
  type CatchUpAnswer,
  type CatchUpAnswers,
} from './catch-up-answer.ts';
import { remainderAt, type Remainder } from './remainder.ts';
import type { AnswerMemory } from './held-bytes.ts';
import { poll } from './poll.ts';
import { readStreamUpdate } from './read-update.ts';
import type { TypingMemory } from './repeated-typing.ts';
import type { SessionCursors } from './session-cursors.ts';
import type { CatchUpPosition } from '../tokens/own-tokens.ts';
import type { StreamPosition } from '../tokens/read-position.ts';

/** A delivery is one answer's worth of the stream. */
export type Delivery =
  /** Nothing that a client would see happened up to `end`. */
  | { tells: 'quiet'; end: string }
  /** All that happened, up to `end`: it fits into one answer. */
  | { tells: 'update'; update: StreamUpdate; end: string }
  /** The beginning of what is left; `firstUpdate`, in a catch-up's first answer, holds what is not room history. */
  | { tells: 'catch-up'; steps: CatchUpAnswer; firstUpdate?: StreamUpdate };

export interface StreamRequest extends AnswerRequest {
  /** Counts what the answer holds; whoever sends the answer gives it back. */
  memory: AnswerMemory;
}

export interface EventStream {
  /** Waits, until the request's retry budget is spent, for what comes after a position. */
  follow(position: StreamPosition, request: StreamRequest): Promise<Delivery>;
}

/**
 * Follows a user's whole stream from any position on: by a poll, and by a catch-up where one answer cannot hold what
 * a poll found.
 *
 *
 *
 * @see docs/decisions/catch-up.md
 */
export function createEventStream(options: {
  kind: () => Promise<HomeserverKind>;
  answers: CatchUpAnswers;
  cursors: SessionCursors;
  typing: TypingMemory;
  clock: Clock;
  onRemainder?: (how: 'hit' | 'rebuilt') => void;
  onUpdate?: (update: StreamUpdate) => void;
}): EventStream {
  const { answers, cursors, clock } = options;

  async function follow(position: StreamPosition, request: StreamRequest): Promise<Delivery> {
    if ('syncToken' in position) return pollFrom(position.syncToken, request);
    const remainder = await remainderOf(position.catchUp, request);
    const steps = await answers.open(remainder, request);
    return steps === undefined ? pollFrom(remainder.to, request) : { tells: 'catch-up', steps };
  }

  async function pollFrom(since: SyncToken, request: StreamRequest): Promise<Delivery> {
    const { session, isRaw, retryBudget, memory } = request;
    const { account, userId } = session;
    const kind = await retryBudget.retryUntilDeadline(options.kind);
    const { from, to, update } = await poll({
      account,
      kind,
      userId,
      since,
      isRaw,
      ...(kind.repeatsTyping === true && {
        withoutRepeats: (told: StreamUpdate, position: SyncToken) =>
          options.typing.withoutRepeats(session.key, told, position),
      }),
      retryBudget,
      memory,
      clock,
    });
    if (update === undefined) return { tells: 'quiet', end: to };
    cursors.noteDelivered(session.key, to, roomsJoinedIn(update));
    options.onUpdate?.(update);
    const isWhole = update.rooms.every((room) => room.isWhole);
    if (isWhole && countRoomEvents(update) <= request.limit) return { tells: 'update', update, end: to };
    const steps = await answers.open({ from, to, rooms: update.rooms }, request);
    if (steps === undefined) return { tells: 'update', update: { ...update, rooms: [] }, end: to };
    return { tells: 'catch-up', steps, firstUpdate: update };
  }

  /** Returns what is left at a catch-up token: what is remembered, else what the homeserver tells now. */
  async function remainderOf(position: CatchUpPosition, request: AnswerRequest): Promise<Remainder> {
    const { session, token, retryBudget } = request;
    const remembered = cursors.remainder(readingKeyOf(request), token);
    options.onRemainder?.(remembered === undefined ? 'rebuilt' : 'hit');
    if (remembered !== undefined) return remembered;
    rebuilds = (rebuilds + 1) % 1024;
    const query = {
      filter: catchUpFilter(rebuilds),
      since: position.from,
      timeoutMs: 0,
      setPresence: 'online',
    } as const;
    const { rooms } = await retryBudget.retryUntilDeadline(async () => {
      const chunks = await session.account.streamSync(query);
      return readStreamUpdate(chunks, await options.kind(), session.userId, NOTHING_HELD);
    });
    return remainderAt(position, rooms);
  }

  // A rebuild must not get Synapse's cached answer to an earlier one: it may be older than the interval's end.
  let rebuilds = 0;

  return { follow };
}

/** A rebuild reads only which rooms there are, so it holds nothing. */
const NOTHING_HELD = { take: () => false, give: () => {} };

/** The rooms in which our own join is among the events. */
const roomsJoinedIn = ({ rooms }: StreamUpdate): RoomId[] =>
  rooms.filter(({ hasOwnJoin }) => hasOwnJoin === true).map(({ roomId }) => roomId);
