import type { Account } from '../../homeserver/homeserver.ts';
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
  { account, userId }: { account: Account; userId: UserId },
  roomId: RoomId,
  { hasSlidingSync, limit }: { hasSlidingSync: boolean; limit: number },
): Promise<OwnView> {
  try {
    if (hasSlidingSync) return await readBySlidingSync(account, roomId, limit);
    return { receipts: [], accountData: toTagEvents(await account.tags(userId, roomId)) };
  } catch (error) {
    // A room without them is more than no room.
    if (!(error instanceof MatrixError)) throw error;
    return { receipts: [], accountData: [] };
  }
}

async function readBySlidingSync(account: Account, roomId: RoomId, limit: number): Promise<OwnView> {
  // Others' receipts come for the events of the timeline, and for no others.
  const timelineLimit = Math.min(Math.max(limit, 1), LONGEST_TIMELINE);
  const extension = { enabled: true, lists: [], rooms: [roomId] };
  const answer = await account.slidingSync({
    conn_id: CONNECTION,
    room_subscriptions: { [roomId]: { timeline_limit: timelineLimit, required_state: [] } },
    extensions: { receipts: extension, account_data: extension },
  });
  return readOrRefuse(() => toOwnView(answer, roomId));
}
