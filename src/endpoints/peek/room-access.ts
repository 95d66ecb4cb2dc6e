import type { Account } from '../../homeserver/homeserver.ts';
import type { HomeserverKind } from '../../homeserver/kinds/kind.ts';
import { isMembershipOf, type JsonObject } from '../../matrix/client-event.ts';
import { HomeserverError } from '../../matrix/errors.ts';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';

/** The role in which a caller may read a room; undefined: he may not. */
export type RoomAccess = 'member' | 'left' | 'peeker' | undefined;

/** Who asks about which room. */
export interface RoomQuestion {
  account: Account;
  kind: HomeserverKind;
  roomId: RoomId;
}

/**
 * Asks the homeserver what a room is to the caller, now.
 *
 * A user who left sees the room as of the leave. If he forgot the room, or if the room is open and the homeserver
 * cuts nothing, he peeks. All others, banned users too, need a room that the world may read. An unknown room looks
 * like a forbidden one.
 *
 * Differs: forgotten-rooms-look-left
 *
 *
 *
 * @see docs/reference/synapse-legacy.md#peeking
 *
 *
 * @see docs/reference/synapse-legacy.md#room-initial-sync
 */
export async function readRoomAccess(question: RoomQuestion, userId: UserId): Promise<RoomAccess> {
  const member = await readState(question, 'm.room.member', userId);
  if (member === 403) return undefined;
  const membership = member === 404 ? undefined : member['membership'];
  if (membership === 'join') return 'member';
  if (membership === 'leave') return (await goesOnAfterLeave(question, userId)) ? 'peeker' : 'left';
  return (await isWorldReadable(question)) ? 'peeker' : undefined;
}

/**
 * Tells whether a user who left is shown what came after the leave: he forgot the room, or it is open and the
 * homeserver cuts nothing.
 */
async function goesOnAfterLeave(question: RoomQuestion, userId: UserId): Promise<boolean> {
  const { account, roomId } = question;
  const newest = orRefusal(account.messagesPage(roomId, { dir: 'b', limit: 1 }));
  const [page, isOpen] = await Promise.all([newest, isWorldReadable(question)]);
  if (!isOpen || typeof page !== 'object') return false;
  const [event] = page.events;
  return event !== undefined && !isMembershipOf(userId, event.parse());
}

/** Whether anybody may read the room now. The summary knows; state may be that of the moment when the caller left. */
export async function isWorldReadable(question: RoomQuestion): Promise<boolean> {
  const { account, roomId } = question;
  const summary = await orRefusal(account.roomSummary(roomId));
  if (typeof summary === 'object' && typeof summary.world_readable === 'boolean')
    return summary.world_readable;
  const visibility = await readState(question, 'm.room.history_visibility', '');
  return typeof visibility === 'object' && visibility['history_visibility'] === 'world_readable';
}

async function readState(
  { account, kind, roomId }: RoomQuestion,
  type: string,
  stateKey: string,
): Promise<JsonObject | 403 | 404> {
  if (kind.readStateEvent === undefined) return orRefusal(account.stateEvent(roomId, type, stateKey));
  const key = { type, stateKey };
  return orRefusal(kind.readStateEvent(account, roomId, key).then((content) => content ?? 404));
}

async function orRefusal<Answer>(answer: Promise<Answer>): Promise<Answer | 403 | 404> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof HomeserverError)) throw error;
    // What a homeserver does not have is a 404 on most, and a 400 on Conduit.
    if (error.status === 404 || error.errcode === 'M_UNRECOGNIZED') return 404;
    if (error.status === 403) return 403;
    throw error;
  }
}
