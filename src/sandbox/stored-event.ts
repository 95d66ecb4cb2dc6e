import { createHash } from 'node:crypto';
import type { ClientEvent, JsonObject, StrippedEvent, UnsignedData } from '../matrix/client-event.ts';
import type { DeviceId, EventId, Milliseconds, RoomId, UserId } from '../matrix/identifiers.ts';

/** An event of a room, as the sandbox keeps it. */
export interface StoredEvent {
  readonly eventId: EventId;
  readonly roomId: RoomId;
  readonly type: string;
  readonly sender: UserId;
  /** On state events only. */
  readonly stateKey: string | undefined;
  content: JsonObject;
  readonly sentAt: Milliseconds;
  /** Its place in the order of arrival, over all rooms; no two are the same. */
  readonly stream: number;
  /** Its place in the room's history; events that were sent without knowing of each other may share it. */
  readonly depth: number;
  readonly redacts?: EventId | undefined;
  /** The state event that it replaced. */
  readonly replaces?: StoredEvent | undefined;
  redactedBy?: StoredEvent;
  /** Which device sent it, and under which transaction id. */
  readonly transaction?: { deviceId: DeviceId; id: string } | undefined;
}

/** An event as a client sends it. */
export interface NewEvent {
  type: string;
  content?: JsonObject;
  stateKey?: string | undefined;
  redacts?: EventId;
  /** Lower than the room's greatest: a fork that arrives late. State follows arrival all the same. */
  depth?: number;
  transaction?: { deviceId: DeviceId; id: string };
}

/** Somebody who reads an event, a member of its room or not. */
export interface Reader {
  deviceId: DeviceId | undefined;
  /** The reader's membership when the event was sent; undefined: not to be told. */
  membership?: string | undefined;
}

/** StoredEvent → the event as `/sync` sends it, without `room_id`. */
export function toSyncEvent(event: StoredEvent, reader: Reader, nowMs: Milliseconds): ClientEvent {
  const redacts = event.redacts === undefined ? {} : { redacts: event.redacts };
  return {
    type: event.type,
    event_id: event.eventId,
    sender: event.sender,
    origin_server_ts: event.sentAt,
    ...(event.stateKey !== undefined && { state_key: event.stateKey }),
    ...redacts,
    content: { ...event.content, ...redacts },
    unsigned: unsignedOf(event, reader, nowMs),
  };
}

/** StoredEvent → the event as all other endpoints send it, with `room_id`. */
export function toClientEvent(event: StoredEvent, reader: Reader, nowMs: Milliseconds): ClientEvent {
  const { unsigned, ...rest } = toSyncEvent(event, reader, nowMs);
  const because = unsigned?.redacted_because;
  return {
    ...rest,
    room_id: event.roomId,
    unsigned: {
      ...unsigned,
      ...(because !== undefined && { redacted_because: { ...because, room_id: event.roomId } }),
    },
  };
}

export function toStrippedEvent({ type, stateKey, sender, content }: StoredEvent): StrippedEvent {
  return { type, state_key: stateKey ?? '', sender, content };
}

function unsignedOf(event: StoredEvent, reader: Reader, nowMs: Milliseconds): UnsignedData {
  const { replaces, redactedBy, transaction } = event;
  const isSender = transaction !== undefined && transaction.deviceId === reader.deviceId;
  return {
    age: nowMs - event.sentAt,
    ...(replaces !== undefined && { replaces_state: replaces.eventId, prev_content: replaces.content }),
    ...(redactedBy !== undefined && {
      redacted_by: redactedBy.eventId,
      redacted_because: toSyncEvent(redactedBy, { deviceId: reader.deviceId }, nowMs),
    }),
    ...(isSender && { transaction_id: transaction.id }),
    ...(reader.membership !== undefined && { membership: reader.membership }),
  };
}

/** The keys of `content` that a redaction leaves, by event type. */
const KEPT_CONTENT: Readonly<Record<string, readonly string[]>> = {
  'm.room.member': ['membership'],
  'm.room.create': ['creator', 'room_version'],
  'm.room.join_rules': ['join_rule', 'allow'],
  'm.room.power_levels': [
    'users',
    'users_default',
    'events',
    'events_default',
    'state_default',
    'ban',
    'kick',
  ],
  'm.room.history_visibility': ['history_visibility'],
};

/** @see https://github.com/matrix-org/matrix-spec/blob/main/content/rooms/v11.md (redactions) */
export function applyRedaction(target: StoredEvent, redaction: StoredEvent): void {
  const kept = KEPT_CONTENT[target.type] ?? [];
  target.content = Object.fromEntries(Object.entries(target.content).filter(([key]) => kept.includes(key)));
  target.redactedBy = redaction;
}

/** An event id as the room's version makes them: with a domain up to 2, with `/` and `+` in 3. The same seed, the same id. */
export function createEventId(roomVersion: string, serverName: string, seed: string): EventId {
  const hash = createHash('sha256').update(`${serverName} ${seed}`).digest();
  if (roomVersion === '1' || roomVersion === '2')
    return `$${hash.toString('hex').slice(0, 18)}:${serverName}` as EventId;
  const text = roomVersion === '3' ? hash.toString('base64').replace('=', '') : hash.toString('base64url');
  return `$${text}` as EventId;
}
