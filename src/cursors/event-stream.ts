import type { Homeserver } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import type { Clock } from '../http/clock.ts';
import { isMembershipOf, membershipOf, type ClientEvent } from '../matrix/client-event.ts';
import type { RoomId, SyncToken, UserId } from '../matrix/identifiers.ts';
import { countRoomEvents, toStreamUpdate, type StreamUpdate } from '../translate/events.ts';
import { catchUpFilter } from '../translate/sync-filter.ts';
import type { AnswerRequest, CatchUpAnswer, CatchUpAnswers } from './catch-up-answer.ts';
import { remainderAt, type Remainder } from './catch-up.ts';
import { poll } from './poll.ts';
import { createTypingMemory } from './repeated-typing.ts';
import type { SessionCursors } from './session-cursors.ts';
import type { CatchUpPosition } from './stream-position.ts';

/** Where a client goes on: at a sync token, or within a catch-up. */
export type StreamPosition = { syncToken: SyncToken } | { catchUp: CatchUpPosition };

/** One answer's worth of the stream. */
export type Delivery =
  /** Nothing that a client would see, up to `end`. */
  | { kind: 'quiet'; end: string }
  /** All that happened, up to `end`: it fits into one answer. */
  | { kind: 'update'; update: StreamUpdate; end: string }
  /** The beginning of what is left; `firstUpdate`, in a catch-up's first answer, holds what is not room history. */
  | { kind: 'catch-up'; steps: CatchUpAnswer; firstUpdate?: StreamUpdate };

export interface EventStream {
  /** Waits, as long as the request's patience lasts, for what comes after a position. */
  follow(position: StreamPosition, request: AnswerRequest): Promise<Delivery>;
}

/**
 * A user's whole stream, from any position on: a poll, and a catch-up where one answer cannot hold what a poll found.
 *
 * @see design §5
 */
export function createEventStream(options: {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  answers: CatchUpAnswers;
  cursors: SessionCursors;
  clock: Clock;
  onRemainder?: (how: 'hit' | 'rebuilt') => void;
  onUpdate?: (update: StreamUpdate) => void;
}): EventStream {
  const { homeserver, answers, cursors, clock } = options;
  const withoutRepeatedTyping = createTypingMemory();

  async function follow(position: StreamPosition, request: AnswerRequest): Promise<Delivery> {
    if ('syncToken' in position) return pollFrom(position.syncToken, request);
    const remainder = await remainderOf(position.catchUp, request);
    const steps = await answers.open(remainder, request);
    return steps === undefined ? pollFrom(remainder.to, request) : { kind: 'catch-up', steps };
  }

  async function pollFrom(since: SyncToken, request: AnswerRequest): Promise<Delivery> {
    const { session, isRaw, patience, signal } = request;
    const { caller, userId } = session;
    const kind = await patience.outlast(options.kind);
    const { from, to, update } = await poll({
      homeserver,
      kind,
      caller,
      userId,
      since,
      isRaw,
      ...(kind.repeatsTyping === true && {
        withoutRepeats: (told: StreamUpdate, position: SyncToken) =>
          withoutRepeatedTyping(session.key, told, position),
      }),
      patience,
      clock,
      signal,
    });
    if (update === undefined) return { kind: 'quiet', end: to };
    cursors.noteDelivered(session.key, to, roomsJoinedIn(update, userId));
    options.onUpdate?.(update);
    const isWhole = update.rooms.every((room) => room.isWhole);
    if (isWhole && countRoomEvents(update) <= request.limit) return { kind: 'update', update, end: to };
    const steps = await answers.open({ from, to, rooms: update.rooms }, request);
    if (steps === undefined) return { kind: 'update', update: { ...update, rooms: [] }, end: to };
    return { kind: 'catch-up', steps, firstUpdate: update };
  }

  /** What is left at a catch-up token: as remembered, else as the homeserver tells now. */
  async function remainderOf(position: CatchUpPosition, request: AnswerRequest): Promise<Remainder> {
    const { session, token, patience, signal } = request;
    const remembered = cursors.remainder(session.key, token);
    options.onRemainder?.(remembered === undefined ? 'rebuilt' : 'hit');
    if (remembered !== undefined) return remembered;
    rebuilds = (rebuilds + 1) % 1024;
    const query = {
      filter: catchUpFilter(rebuilds),
      since: position.from,
      timeoutMs: 0,
      setPresence: 'online',
    } as const;
    const sync = await patience.outlast(() => homeserver.sync(session.caller, query, signal));
    return remainderAt(position, toStreamUpdate(sync, session.userId).rooms);
  }

  // A rebuild must not get Synapse's cached answer to an earlier one: it may be older than the interval's end.
  let rebuilds = 0;

  return { follow };
}

/** The rooms in which our own join is among the events. */
function roomsJoinedIn({ rooms }: StreamUpdate, userId: UserId): RoomId[] {
  const isOwnJoin = (event: ClientEvent) => isMembershipOf(userId, event) && membershipOf(event) === 'join';
  return rooms.filter(({ timeline }) => timeline.some(isOwnJoin)).map(({ roomId }) => roomId);
}
