import { MatrixError } from '../matrix/errors.ts';
import type { UserId } from '../matrix/identifiers.ts';
import type { Room } from './room.ts';
import type { StoredEvent } from './stored-event.ts';
import type { User } from './user.ts';

/** The role in which somebody reads a room: a member, somebody who left, or a peeker. */
export type Access = 'member' | 'left' | 'peeker';

/**
 * Who left may go on reading what was before, as long as the room is not forgotten; all others, banned users too, need a
 * room that is readable for the world. Throws 403 as Synapse words it.
 *
 * @see docs/reference/synapse-legacy.md#messages
 */
export function readAccess(user: User, room: Room | undefined, roomId: string): Access {
  if (room !== undefined) {
    const membership = room.membership(user.userId);
    if (membership === 'join') return 'member';
    const hasLeft = membership === 'leave' && room.membershipEvent(user.userId) !== undefined;
    if (hasLeft && !user.forgotten.has(room.roomId)) return 'left';
    if (room.historyVisibility() === 'world_readable') return 'peeker';
  }
  const words = `User ${user.userId} not in room ${roomId}, and room previews are disabled`;
  throw new MatrixError(403, 'M_FORBIDDEN', words);
}

const LAXEST_FIRST = ['world_readable', 'shared', 'invited', 'joined'];
const CLOSEST_FIRST = ['join', 'invite', 'knock', 'leave', 'ban'];

/**
 * Whether a user may see an event. `isPeeking`: without having part in the room now, when a shared history is closed.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/content/client-server-api/modules/history_visibility.md
 */
export function isVisible(event: StoredEvent, room: Room, user: User, isPeeking = false): boolean {
  if (event.stateKey === undefined && user.ignores(event.sender)) return false;
  const visibility = visibilityOf(event, room);
  if (visibility === 'world_readable') return true;
  const membership = membershipFor(event, room, user.userId);
  if (membership === 'join') return true;
  if (visibility === 'joined') return false;
  if (visibility === 'invited') return membership === 'invite';
  return !isPeeking;
}

/** The event that changes the visibility belongs to the laxer one of both. */
function visibilityOf(event: StoredEvent, room: Room): string {
  const at = room.historyVisibility(event.stream);
  if (event.type !== 'm.room.history_visibility' || event.stateKey !== '') return at;
  return laxer(LAXEST_FIRST, at, room.historyVisibility(event.stream - 1));
}

/** A user's own membership event is seen with the closer one of both memberships. */
function membershipFor(event: StoredEvent, room: Room, userId: UserId): string {
  const at = room.membership(userId, event.stream);
  if (event.type !== 'm.room.member' || event.stateKey !== userId) return at;
  return laxer(CLOSEST_FIRST, at, room.membership(userId, event.stream - 1));
}

function laxer(order: readonly string[], one: string, other: string): string {
  return order.indexOf(one) <= order.indexOf(other) ? one : other;
}
