import type { ClientEvent } from '../matrix/client-event.ts';
import { eventsOf, roomsOf, type RoomUpdate, type SyncResponse } from '../matrix/sync.ts';

/**
 * Whether an answer to a `since` tells everything from the beginning, as some homeservers do when they cannot read it:
 * the push rules, and of each joined room how it was created, or the newest of more than that.
 *
 * An incremental answer has push rules only where they were changed, and creations only of rooms that were just joined.
 */
export function isWholeInitialSync({ account_data, rooms }: SyncResponse): boolean {
  const joined = roomsOf(rooms?.join);
  if (joined.length === 0 || !eventsOf(account_data).some(({ type }) => type === 'm.push_rules'))
    return false;
  return joined.every(([, room]) => hasBeginning(room) || room.timeline?.limited === true);
}

function hasBeginning({ state, timeline }: RoomUpdate): boolean {
  const isCreation = ({ type }: ClientEvent) => type === 'm.room.create';
  return eventsOf(state).some(isCreation) || eventsOf(timeline).some(isCreation);
}
