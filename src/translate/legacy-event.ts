import type { ClientEvent, UnsignedData } from '../matrix/client-event.ts';
import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';
import type { LegacyEvent } from '../matrix/legacy.ts';

export interface LegacyEventOptions {
  /** The federation form: nothing is copied, nothing computed. */
  isRaw?: boolean;
  /** Keys of `unsigned` that the answer does not have natively. */
  withoutUnsigned?: readonly ('membership' | 'transaction_id')[];
}

/** Copied, not moved: clients of 2014 read the top level, later ones `unsigned`. */
const COPIED = ['prev_content', 'replaces_state', 'invite_room_state', 'knock_room_state'] as const;

/**
 * ClientEvent of a room → LegacyEvent: with `room_id`, `user_id`, `age`, and what old clients look for on top.
 *
 * Gives the same for an event that is in this format already. `age` is counted up to `nowMs` where the homeserver sends
 * none; `unsigned.m.relations` is left out, as no legacy endpoint ever had it.
 *
 * @see reference/native.md §1
 */
export function toLegacyEvent(
  event: ClientEvent,
  roomId: RoomId,
  nowMs: Milliseconds,
  options: LegacyEventOptions = {},
): LegacyEvent {
  if (options.isRaw === true) return toRawEvent(event, roomId, options);
  const unsigned = toLegacyUnsigned(event, roomId, nowMs, options);
  const legacy: LegacyEvent = { ...event, room_id: roomId, unsigned };
  if (event.sender !== undefined) legacy.user_id = event.sender;
  if (unsigned.age !== undefined) legacy.age = unsigned.age;
  for (const key of COPIED) {
    if (unsigned[key] !== undefined) Object.assign(legacy, { [key]: unsigned[key] });
  }
  if (unsigned.redacted_because !== undefined)
    legacy.redacted_because = unsigned.redacted_because as LegacyEvent;
  return event.type === 'm.room.redaction' ? withRedacts(legacy) : legacy;
}

/** The federation form; what no legacy endpoint ever had in `unsigned` is left out of it as well. */
function toRawEvent(event: ClientEvent, roomId: RoomId, options: LegacyEventOptions): LegacyEvent {
  const raw: LegacyEvent = { ...event, room_id: roomId };
  if (event.unsigned === undefined) return raw;
  raw.unsigned = withoutKeys(event.unsigned, options);
  const { redacted_because: because } = raw.unsigned;
  if (because !== undefined) raw.unsigned.redacted_because = toRawEvent(because, roomId, inRedacted(options));
  return raw;
}

/** The redaction inside what it redacted never says what the reader's membership was. */
const inRedacted = ({ withoutUnsigned = [] }: LegacyEventOptions): LegacyEventOptions => ({
  withoutUnsigned: ['membership', ...withoutUnsigned],
});

function withoutKeys(
  unsigned: UnsignedData | undefined,
  { withoutUnsigned = [] }: LegacyEventOptions,
): UnsignedData {
  const kept: UnsignedData = { ...unsigned };
  for (const key of ['m.relations', ...withoutUnsigned]) delete kept[key];
  return kept;
}

function toLegacyUnsigned(
  event: ClientEvent,
  roomId: RoomId,
  nowMs: Milliseconds,
  options: LegacyEventOptions,
): UnsignedData {
  const unsigned = withoutKeys(event.unsigned, options);
  const age = unsigned.age ?? (event as LegacyEvent).age ?? ageOf(event, nowMs);
  if (age !== undefined) unsigned.age = age;
  if (unsigned.redacted_because !== undefined) {
    unsigned.redacted_because = toLegacyEvent(unsigned.redacted_because, roomId, nowMs, inRedacted(options));
  }
  return unsigned;
}

/** Where a redaction keeps what it redacts depends on the room's version; legacy clients look on top. */
function withRedacts(event: LegacyEvent): LegacyEvent {
  const redacts = event['redacts'] ?? event.content?.['redacts'];
  return redacts === undefined ? event : { ...event, redacts, content: { ...event.content, redacts } };
}

function ageOf(event: ClientEvent, nowMs: Milliseconds): Milliseconds | undefined {
  return event.origin_server_ts === undefined ? undefined : Math.max(0, nowMs - event.origin_server_ts);
}
