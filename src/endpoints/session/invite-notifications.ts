import type { Account } from '../../homeserver/homeserver.ts';
import { isMembershipOf, type ClientEvent } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';

/** Notifications come newest first, so an invite that is still open stands among the first, but for busy accounts. */
const PAGE_LIMIT = 100;
const MOST_PAGES = 3;

/**
 * Invited rooms → the whole invite event of each, where the caller's notifications have it.
 *
 * `/sync` shows an invite without id and time. What the homeserver refuses or does not have is absent: a name for the
 * event can be made, so no answer fails for it.
 *
 *
 *
 * @see docs/reference/synapse-legacy.md#other-endpoints
 */
export async function readInviteNotifications(
  { account, userId }: { account: Account; userId: UserId },
  invited: readonly RoomId[],
): Promise<Map<RoomId, ClientEvent>> {
  const wanted = new Set(invited);
  const invites = new Map<RoomId, ClientEvent>();
  let from: string | undefined;
  for (let page = 0; page < MOST_PAGES && wanted.size > 0; page += 1) {
    const query = { limit: PAGE_LIMIT, ...(from !== undefined && { from }) };
    const answer = await account.notifications(query).catch(undefinedIfUnanswered);
    for (const { room_id: roomId, event } of answer?.notifications ?? []) {
      // Newest first, so the first one of a room is the invite that stands.
      if (
        typeof roomId !== 'string' ||
        event === undefined ||
        event === null ||
        !isMembershipOf(userId, event) ||
        !wanted.delete(roomId)
      )
        continue;
      invites.set(roomId, event);
    }
    if (typeof answer?.next_token !== 'string') break;
    from = answer.next_token;
  }
  return invites;
}

function undefinedIfUnanswered(error: unknown): undefined {
  if (!(error instanceof MatrixError)) throw error;
}
