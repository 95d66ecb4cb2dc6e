import type { Caller, Homeserver } from '../../homeserver/homeserver.ts';
import { readOrRefuse } from '../../homeserver/unreadable-answer.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';
import { toOwnView, toTagEvents, type OwnView } from '../../translate/own-view.ts';

/** The name of our connections, which sliding sync keeps apart from a modern client's own. */
const CONNECTION = 'hindsync';
/** A preview shows fewer; it costs the homeserver as much as a page of `/messages`. */
const LONGEST_TIMELINE = 100;

/**
 * Reads receipts and account data of one room: from one simplified sliding sync where it can be had, else the tags
 * alone. A `/sync` of one room would take as long as the account is large.
 *
 * Never with the to-device extension: that would acknowledge a modern client's messages.
 *
 * @see docs/decisions/previews.md
 */
export async function readOwnView(
  homeserver: Homeserver,
  { caller, userId }: { caller: Caller; userId: UserId },
  roomId: RoomId,
  options: { hasSlidingSync: boolean; limit: number; signal: AbortSignal },
): Promise<OwnView> {
  const { limit, signal } = options;
  try {
    if (options.hasSlidingSync) return await readBySlidingSync(homeserver, caller, roomId, { limit, signal });
    return { receipts: [], accountData: toTagEvents(await homeserver.tags(caller, userId, roomId, signal)) };
  } catch (error) {
    // A room without them is more than no room.
    if (!(error instanceof MatrixError)) throw error;
    return { receipts: [], accountData: [] };
  }
}

async function readBySlidingSync(
  homeserver: Homeserver,
  caller: Caller,
  roomId: RoomId,
  { limit, signal }: { limit: number; signal: AbortSignal },
): Promise<OwnView> {
  // Others' receipts come for the events of the timeline, and for no others.
  const timelineLimit = Math.min(Math.max(limit, 1), LONGEST_TIMELINE);
  const extension = { enabled: true, lists: [], rooms: [roomId] };
  const answer = await homeserver.slidingSync(
    caller,
    {
      conn_id: CONNECTION,
      room_subscriptions: { [roomId]: { timeline_limit: timelineLimit, required_state: [] } },
      extensions: { receipts: extension, account_data: extension },
    },
    signal,
  );
  return readOrRefuse(() => toOwnView(answer, roomId));
}
