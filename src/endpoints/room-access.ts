import type { Caller, Homeserver } from '../homeserver/homeserver.ts';
import { HomeserverError } from '../matrix/errors.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';

/** As what a caller may read a room; undefined: not at all. */
export type RoomAccess = 'member' | 'left' | 'peeker' | undefined;

/**
 * Asks the homeserver what a room is to the caller, now.
 *
 * Who left has the view of who left; a banned user has none; all others need a room that is readable for the world. An
 * unknown room looks like a forbidden one.
 *
 * @see reference/native.md §3, §6
 */
export async function readRoomAccess(
  homeserver: Homeserver,
  { caller, userId }: { caller: Caller; userId: UserId },
  roomId: RoomId,
  signal: AbortSignal,
): Promise<RoomAccess> {
  const member = await orRefusal(homeserver.stateEvent(caller, roomId, 'm.room.member', userId, signal));
  if (member === 403) return undefined;
  const membership = member === 404 ? undefined : member['membership'];
  if (membership === 'join') return 'member';
  if (membership === 'leave') return 'left';
  if (membership === 'ban') return undefined;
  return (await isWorldReadable(homeserver, caller, roomId, signal)) ? 'peeker' : undefined;
}

/** Whether anybody may read the room now. The summary knows; state may be that of the moment when the caller left. */
export async function isWorldReadable(
  homeserver: Homeserver,
  caller: Caller,
  roomId: RoomId,
  signal: AbortSignal,
): Promise<boolean> {
  const summary = await orRefusal(homeserver.roomSummary(caller, roomId, signal));
  if (typeof summary === 'object' && typeof summary.world_readable === 'boolean')
    return summary.world_readable;
  const visibility = await orRefusal(
    homeserver.stateEvent(caller, roomId, 'm.room.history_visibility', '', signal),
  );
  return typeof visibility === 'object' && visibility['history_visibility'] === 'world_readable';
}

async function orRefusal<Answer>(answer: Promise<Answer>): Promise<Answer | 403 | 404> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof HomeserverError && (error.status === 403 || error.status === 404))
      return error.status;
    throw error;
  }
}
