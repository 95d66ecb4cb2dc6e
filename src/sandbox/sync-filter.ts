import type { JsonObject } from '../matrix/client-event.ts';
import { MatrixError } from '../matrix/errors.ts';
import type { RoomId } from '../matrix/identifiers.ts';

/** Whether an event of this type and sender passes. */
export type EventTest = (event: { type: string; sender?: string }) => boolean;

export interface SyncFilter {
  includeLeave: boolean;
  /** No room at all was asked for, so not even invites are told. */
  hidesAllRooms: boolean;
  wantsRoom(roomId: RoomId): boolean;
  timelineLimit: number;
  timeline: EventTest;
  state: EventTest;
  ephemeral: EventTest;
  roomAccountData: EventTest;
  accountData: EventTest;
  presence: EventTest;
}

const DEFAULT_TIMELINE_LIMIT = 10;
const MOST_TIMELINE_EVENTS = 100;

/**
 * A filter's JSON object → what passes. Throws for a negative limit what Synapse does.
 *
 * @see docs/reference/homeservers.md#sync
 */
export function readSyncFilter(filter: JsonObject): SyncFilter {
  const room = objectIn(filter, 'room');
  const limit = objectIn(room, 'timeline')['limit'] ?? DEFAULT_TIMELINE_LIMIT;
  if (typeof limit !== 'number' || limit < 0)
    throw new MatrixError(500, 'M_UNKNOWN', 'Internal server error');
  const rooms = stringsIn(room, 'rooms');
  const notRooms = stringsIn(room, 'not_rooms') ?? [];
  return {
    includeLeave: room['include_leave'] === true,
    hidesAllRooms: rooms?.length === 0,
    wantsRoom: (roomId) => (rooms?.includes(roomId) ?? true) && !notRooms.includes(roomId),
    timelineLimit: Math.min(limit, MOST_TIMELINE_EVENTS),
    timeline: readEventTest(objectIn(room, 'timeline')),
    state: readEventTest(objectIn(room, 'state')),
    ephemeral: readEventTest(objectIn(room, 'ephemeral')),
    roomAccountData: readEventTest(objectIn(room, 'account_data')),
    accountData: readEventTest(objectIn(filter, 'account_data')),
    presence: readEventTest(objectIn(filter, 'presence')),
  };
}

/** `types`, `not_types`, `senders`, `not_senders`; `*` in a type stands for anything, and an empty list for nothing. */
export function readEventTest(filter: JsonObject): EventTest {
  const types = stringsIn(filter, 'types')?.map(toPattern);
  const notTypes = stringsIn(filter, 'not_types')?.map(toPattern) ?? [];
  const senders = stringsIn(filter, 'senders');
  const notSenders = stringsIn(filter, 'not_senders') ?? [];
  return ({ type, sender = '' }) =>
    (types?.some((pattern) => pattern.test(type)) ?? true) &&
    !notTypes.some((pattern) => pattern.test(type)) &&
    (senders?.includes(sender) ?? true) &&
    !notSenders.includes(sender);
}

/** A filter as a request gives it → its JSON object; throws 400 `M_NOT_JSON`. */
export function parseFilter(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Said below, as for all that is no object.
  }
  throw new MatrixError(400, 'M_NOT_JSON', 'Invalid filter JSON');
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}

function stringsIn(object: JsonObject, key: string): string[] | undefined {
  const value = object[key];
  return Array.isArray(value) ? value.map(String) : undefined;
}

function toPattern(type: string): RegExp {
  return new RegExp(`^${type.split('*').map(RegExp.escape).join('.*')}$`);
}
