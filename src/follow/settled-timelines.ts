import PQueue from 'p-queue';
import type { Account } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import { HomeserverError, isTransient } from '../matrix/errors.ts';
import type { EventId, SyncToken } from '../matrix/identifiers.ts';
import type { RoomTimeline } from '../translate/events.ts';

/** Who asked `/sync`, and up to where its answer is. */
export interface SettledReading {
  account: Account;
  kind: HomeserverKind;
  nextBatch: SyncToken;
}

/** One answer may have so many calls on their way: see docs/architecture.md#shares. */
const ROOMS_AT_A_TIME = 8;

/**
 * Timelines → the same up to `next_batch`, on homeservers whose timelines run past it: what others wrote while the answer
 * was made would come again with the next one. There it costs a request for each room that changed.
 *
 * @see docs/homeservers.md#conduit
 */
export async function settleTimelines(
  rooms: readonly RoomTimeline[],
  { account, kind, nextBatch }: SettledReading,
): Promise<RoomTimeline[]> {
  const { readNewestUpTo } = kind;
  if (readNewestUpTo === undefined) return [...rooms];
  const queue = new PQueue({ concurrency: ROOMS_AT_A_TIME });
  const settled = await queue.addAll(
    rooms.map((room) => async () => {
      if (room.timeline.length === 0) return room;
      const newest = await readNewestUpTo(account, room.roomId, nextBatch).catch(orUnknown);
      return newest === undefined ? room : cutBehind(room, newest);
    }),
  );
  return settled.filter(({ timeline, isWhole }) => timeline.length > 0 || !isWhole);
}

/** Cuts a timeline behind the last event that is among these; leaves it whole where nothing of the room can be read. */
function cutBehind(room: RoomTimeline, newest: ReadonlySet<EventId>): RoomTimeline {
  if (newest.size === 0) return room;
  const last = room.timeline.findLastIndex(({ event_id }) => event_id !== undefined && newest.has(event_id));
  return { ...room, timeline: room.timeline.slice(0, last + 1), sentAt: room.sentAt.slice(0, last + 1) };
}

/** A room that refuses keeps its timeline: better twice than never. */
function orUnknown(error: unknown): undefined {
  if (!(error instanceof HomeserverError) || isTransient(error)) throw error;
}
