import type { SessionKey } from '../caches/sessions.ts';
import type { HomeserverKind, NewsMemo } from '../homeserver/kinds/kind.ts';
import type { Milliseconds, RoomId, SyncToken } from '../matrix/identifiers.ts';
import {
  readingKeyOf,
  type AnswerRequest,
  type CatchUpAnswer,
  type CatchUpAnswers,
} from './catch-up-answer.ts';
import { remainderAt, type Remainder } from './remainder.ts';
import type { StreamPosition } from '../tokens/read-position.ts';
import type { KnownPositions } from './known-positions.ts';
import type { RoomWatch } from './room-watch.ts';
import type { SessionCursors } from './session-cursors.ts';

/** A delivery is one answer's worth of one room. */
export type PeekDelivery =
  /** Nothing that the caller would see, up to `end`. */
  { tells: 'quiet'; end: string } | { tells: 'catch-up'; steps: CatchUpAnswer };

export interface PeekRequest extends AnswerRequest {
  /** Throws where the caller may not read the room now. Asked before news are shown, where the homeserver would not say. */
  refuseUnreadable: () => Promise<void>;
}

export interface PeekStream {
  /**
   * Waits, until the request's retry budget is spent, for what comes after a position in one room.
   * Throws the homeserver's 403 as soon as it tells the caller that the room is not (or no longer) his to read.
   */
  follow(roomId: RoomId, position: StreamPosition, request: PeekRequest): Promise<PeekDelivery>;
}

/** A session's right to read is asked at least so often, whoever else probes the room for it. */
const LONGEST_WAIT_MS: Milliseconds = 30_000;

/**
 * Follows one room's history as a stream, for members and for peekers: by a long poll on `/messages`.
 *
 * Positions are sync tokens: a messages token is a place by depth, and what arrives late with a lower depth, as every
 * fork in a federated room does, lies before it for ever. Nothing here calls `/sync` with a `since`, as that would
 * delete the to-device messages of a modern client that is only previewing a room.
 *
 *
 *
 * @see docs/decisions/previews.md
 */
export function createPeekStream(options: {
  kind: () => Promise<HomeserverKind>;
  answers: CatchUpAnswers;
  cursors: SessionCursors;
  positions: KnownPositions;
  watch: RoomWatch;
  onProbe?: () => void;
}): PeekStream {
  const { answers, cursors, positions, watch } = options;

  async function follow(roomId: RoomId, position: StreamPosition, given: PeekRequest): Promise<PeekDelivery> {
    // A remainder of this room alone must never be taken for one of the whole stream at the same token.
    const request = {
      ...given,
      session: { ...given.session, key: `${given.session.key} ${roomId}` as SessionKey },
    };
    let since: SyncToken;
    if ('catchUp' in position) {
      const remainder =
        cursors.remainder(readingKeyOf(request), request.token) ??
        remainderAt(position.catchUp, [roomAlone(roomId)]);
      const steps = await answers.open(remainder, request);
      if (steps !== undefined) return { tells: 'catch-up', steps };
      since = remainder.to;
    } else {
      since = position.syncToken;
    }
    return followFrom(roomId, since, request);
  }

  async function followFrom(roomId: RoomId, start: SyncToken, request: PeekRequest): Promise<PeekDelivery> {
    const { session, retryBudget } = request;
    const { account } = session;
    const kind = await retryBudget.retryUntilDeadline(options.kind);
    let since = start;
    const readNow = () =>
      retryBudget.retryUntilDeadline(() => positions.readNow(account, { setPresence: 'online', roomId }));
    const memos = new Map<SyncToken, NewsMemo>();
    const probeFrom = (position: SyncToken) => {
      const memo = memos.get(position) ?? {};
      memos.set(position, memo);
      return (signal: AbortSignal) => {
        options.onProbe?.();
        return kind.hasNews(account.until(signal), roomId, position, memo);
      };
    };
    for (;;) {
      // Read before the look, so that nothing falls between the two. See `Watcher.probe`.
      const reached = retryBudget.leftMs() === 0 || positions.has(since) ? since : await readNow();
      if (await retryBudget.retryUntilDeadline(() => probeFrom(since)(account.signal))) {
        if (kind.hidesRefusals === true) await retryBudget.retryUntilDeadline(request.refuseUnreadable);
        const to = await readNow();
        const remainder: Remainder = { from: since, to, rooms: [roomAlone(roomId)] };
        const steps = await answers.open(remainder, request);
        if (steps !== undefined) return { tells: 'catch-up', steps };
        // All of it was invisible to the caller.
        memos.delete(since);
        since = to;
        memos.set(since, { isInvisible: true });
      }
      const leftMs = retryBudget.leftMs();
      if (leftMs === 0) return { tells: 'quiet', end: since };
      const watcher = { session: session.key, probe: probeFrom(reached) };
      await watch.wait(roomId, watcher, Math.min(LONGEST_WAIT_MS, leftMs), account.signal);
    }
  }

  return { follow };
}

const roomAlone = (roomId: RoomId) => ({ roomId, timeline: [], sentAt: [], isWhole: false });
