import type { ClientEvent, JsonObject, UnsignedData } from '../matrix/client-event.ts';
import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';
import type { LegacyEvent } from '../matrix/legacy.ts';
import type { LegacyEventOptions } from './legacy-event-bytes.ts';

/** These are copied, not moved: clients of 2014 read the top level, later ones `unsigned`. */
const COPIED = ['prev_content', 'replaces_state', 'invite_room_state', 'knock_room_state'] as const;

/**
 * ClientEvent of a room → LegacyEvent: with `room_id`, `user_id`, `age`, and what old clients look for on top.
 *
 * Gives the same for an event that is in this format already. `age` is counted up to `nowMs` where the homeserver sends
 * none; `unsigned.m.relations` is left out, as no legacy endpoint ever had it.
 *
 * @see docs/reference/synapse-legacy.md#the-legacy-event
 */
export function toLegacyEvent(
  event: ClientEvent,
  roomId: RoomId,
  nowMs: Milliseconds,
  options: LegacyEventOptions = {},
): LegacyEvent {
  return toLegacyAtLevel(event, roomId, nowMs, { ...options, isInner: false });
}

/** The redaction inside a redacted event is the last level: homeservers nest no deeper. */
interface LevelOptions extends LegacyEventOptions {
  isInner: boolean;
}

function toLegacyAtLevel(
  event: ClientEvent,
  roomId: RoomId,
  nowMs: Milliseconds,
  options: LevelOptions,
): LegacyEvent {
  const unsigned = withoutKeys(event.unsigned, options);
  const because: unknown = unsigned.redacted_because;
  const hasInner = !options.isInner && isObject(because);
  if (hasInner)
    unsigned.redacted_because = toLegacyAtLevel(because as ClientEvent, roomId, nowMs, inner(options));
  if (options.isRaw === true)
    return { ...event, room_id: roomId, ...(event.unsigned !== undefined && { unsigned }) };
  const told = unsigned.age ?? (event as LegacyEvent).age ?? undefined;
  // Conduit says 1 of every event.
  const age = told === undefined || told === 1 ? (ageOf(event, nowMs) ?? told) : told;
  if (age === undefined) delete unsigned.age;
  else unsigned.age = age;
  const legacy: LegacyEvent = { ...event, room_id: roomId, unsigned };
  if (event.sender !== undefined) legacy.user_id = event.sender;
  if (age === undefined) delete legacy.age;
  else legacy.age = age;
  for (const key of COPIED) {
    if (unsigned[key] !== undefined) Object.assign(legacy, { [key]: unsigned[key] });
  }
  if (hasInner) legacy.redacted_because = unsigned.redacted_because as LegacyEvent;
  if (event.type === 'm.room.power_levels') return withUsers(legacy);
  return event.type === 'm.room.redaction' ? withRedacts(legacy) : legacy;
}

/** The redaction inside what it redacted never says what the reader's membership was. */
const inner = ({ withoutUnsigned = [], ...options }: LevelOptions): LevelOptions => ({
  ...options,
  withoutUnsigned: ['membership', ...withoutUnsigned],
  isInner: true,
});

function withoutKeys(unsigned: unknown, { withoutUnsigned = [] }: LegacyEventOptions): UnsignedData {
  const kept: UnsignedData = isObject(unsigned) ? { ...unsigned } : {};
  for (const key of ['m.relations', ...withoutUnsigned]) delete kept[key];
  return kept;
}

/**
 * Puts `redacts` on top and into the content: where a redaction has it depends on the room's version, and legacy
 * clients look on top.
 */
function withRedacts(event: LegacyEvent): LegacyEvent {
  const content = isObject(event.content) ? event.content : {};
  const redacts = event['redacts'] ?? content['redacts'] ?? undefined;
  return redacts === undefined ? event : { ...event, redacts, content: { ...content, redacts } };
}

/** Power levels of rooms of version 12 may name nobody. */
function withUsers(event: LegacyEvent): LegacyEvent {
  const { content } = event;
  if (!isObject(content)) return event;
  return { ...event, content: { ...content, users: content['users'] ?? {} } };
}

function ageOf({ origin_server_ts: sentAt }: ClientEvent, nowMs: Milliseconds): Milliseconds | undefined {
  return Number.isFinite(sentAt) ? Math.max(0, nowMs - Number(sentAt)) : undefined;
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
