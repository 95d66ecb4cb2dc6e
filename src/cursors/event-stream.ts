import type { Caller, Homeserver } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import type { Clock } from '../http/clock.ts';
import { MatrixError } from '../matrix/errors.ts';
import type { RoomId, SyncToken, UserId } from '../matrix/identifiers.ts';
import type { SessionKey } from '../caches/sessions.ts';
import { countRoomEvents, toStreamUpdate, type StreamUpdate } from '../translate/events.ts';
import { catchUpFilter, messagesFilter } from '../translate/sync-filter.ts';
import {
  readCatchUp,
  remainderAt,
  tokenOf,
  type IntervalSource,
  type Remainder,
  type Step,
} from './catch-up.ts';
import { poll, type Patience } from './poll.ts';
import type { SessionCursors } from './session-cursors.ts';
import type { CatchUpPosition } from './stream-position.ts';

/** Where a client goes on: at a sync token, or within a catch-up. */
export type StreamPosition = { token: SyncToken } | { token: string; catchUp: CatchUpPosition };

export interface FollowRequest {
  session: { key: SessionKey; caller: Caller; userId: UserId };
  position: StreamPosition;
  /** At most so many room events in this answer. */
  limit: number;
  isRaw: boolean;
  patience: Patience;
  signal: AbortSignal;
}

/** One answer's worth of the stream. */
export type Delivery =
  /** Nothing that a client would see, up to `end`. */
  | { kind: 'quiet'; end: string }
  /** All that happened, up to `end`: it fits into one answer. */
  | { kind: 'update'; update: StreamUpdate; end: string }
  /** The beginning of what is left; `firstUpdate`, in a catch-up's first answer, holds what is not room history. */
  | { kind: 'catch-up'; steps: AsyncGenerator<Step, string>; firstUpdate?: StreamUpdate };

export interface EventStream {
  follow(request: FollowRequest): Promise<Delivery>;
}

export interface EventStreamOptions {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  cursors: SessionCursors;
  clock: Clock;
  onRemainder?: (how: 'hit' | 'rebuilt') => void;
  onRefusedRoom?: () => void;
}

/** In as many polls in a row a room may fail, before it is treated as one that refuses and no longer stops the stream. */
const FAILURES_BEFORE_GIVING_UP = 10;

/**
 * A user's whole stream, from any position on: a poll, and a catch-up where one answer cannot hold what a poll found.
 *
 * @see design §5
 */
export function createEventStream(options: EventStreamOptions): EventStream {
  const { homeserver, cursors, clock } = options;

  async function follow(request: FollowRequest): Promise<Delivery> {
    const { position } = request;
    let since = position.token as SyncToken;
    if ('catchUp' in position) {
      const remainder = await remainderOf(position.token, position.catchUp, request);
      const rest = await openCatchUp(remainder, request);
      if (rest !== undefined) return { kind: 'catch-up', steps: rest };
      since = remainder.to;
    }
    return pollFrom(since, request);
  }

  async function pollFrom(since: SyncToken, request: FollowRequest): Promise<Delivery> {
    const { session, isRaw, patience, signal } = request;
    const { caller, userId } = session;
    const { from, to, update } = await poll({
      homeserver,
      caller,
      userId,
      since,
      isRaw,
      patience,
      clock,
      signal,
    });
    if (update === undefined) return { kind: 'quiet', end: to };
    const isWhole = update.rooms.every((room) => room.isWhole);
    if (isWhole && countRoomEvents(update) <= request.limit) return { kind: 'update', update, end: to };
    const steps = await openCatchUp({ from, to, rooms: update.rooms }, request);
    if (steps === undefined) return { kind: 'update', update: { ...update, rooms: [] }, end: to };
    return { kind: 'catch-up', steps, firstUpdate: update };
  }

  /** What is left at a catch-up token: as remembered, else as the homeserver tells now. */
  async function remainderOf(
    token: string,
    position: CatchUpPosition,
    request: FollowRequest,
  ): Promise<Remainder> {
    const { session, patience, signal } = request;
    const remembered = cursors.remainder(session.key, token);
    options.onRemainder?.(remembered === undefined ? 'rebuilt' : 'hit');
    if (remembered !== undefined) return remembered;
    const query = {
      filter: catchUpFilter(),
      since: position.from,
      timeoutMs: 0,
      setPresence: 'online',
    } as const;
    const sync = await patience.outlast(() => homeserver.sync(session.caller, query, signal));
    return remainderAt(position, toStreamUpdate(sync, session.userId).rooms);
  }

  /** Reads until the first event is at hand, waiting out failures; undefined where there is no event. */
  async function openCatchUp(
    remainder: Remainder,
    request: FollowRequest,
  ): Promise<AsyncGenerator<Step, string> | undefined> {
    const { session, position, patience, limit, signal } = request;
    let failed: RoomId | undefined;
    const source = await intervalSource(request, (roomId) => (failed = roomId));
    try {
      return await patience.outlast(async () => {
        const steps = readCatchUp(remainder, limit, source, signal);
        const first = await steps.next();
        return first.done === true ? undefined : giveSteps(first.value, steps, request);
      });
    } catch (error) {
      if (failed !== undefined) cursors.countFailure(session.key, position.token, failed);
      throw error;
    }
  }

  async function intervalSource(
    request: FollowRequest,
    onFailure: (roomId: RoomId) => void,
  ): Promise<IntervalSource> {
    const { session, position, isRaw } = request;
    const kind = await options.kind();
    const filter = messagesFilter({ isRaw });
    return {
      readPage: (interval, page, signal) =>
        kind.readPage(homeserver, session.caller, interval, page, {
          ...(filter !== undefined && { filter }),
          signal,
        }),
      isGivenUp: (roomId) =>
        cursors.failures(session.key, position.token, roomId) >= FAILURES_BEFORE_GIVING_UP,
      onRefused: () => options.onRefusedRoom?.(),
      onFailure,
    };
  }

  /** All steps; returns the token to go on with. A failure ends the answer behind the last event that was given. */
  async function* giveSteps(
    first: Step,
    steps: AsyncGenerator<Step, Remainder>,
    { session, signal }: FollowRequest,
  ): AsyncGenerator<Step, string> {
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

  return { follow };
}
