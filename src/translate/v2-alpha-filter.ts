import type { JsonObject } from '../matrix/client-event.ts';

/** Names of 2015 → today's. Where a filter has both, today's counts. */
const ACCOUNT_NAMES = { public_user_data: 'presence', private_user_data: 'account_data' } as const;
const ROOM_NAMES = { events: 'timeline', private_user_data: 'account_data' } as const;

/**
 * A filter of v2_alpha, of before or after October 2015 → the modern filter that asks for the same. What has the same
 * name still, and what nobody knows, stays as it is.
 *
 * `event_fields` gets `event_id` where it lacks it: the ids were never left out of an `event_map`, as they are its keys.
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export function toModernFilter(filter: JsonObject): JsonObject {
  const modern = renamed(filter, ACCOUNT_NAMES);
  const { room, event_fields: fields } = modern;
  if (isObject(room)) modern['room'] = renamed(room, ROOM_NAMES);
  if (Array.isArray(fields) && !fields.includes('event_id')) modern['event_fields'] = [...fields, 'event_id'];
  return modern;
}

/** A filter → the same for so many newest events of each room: draft A had the number in the query. */
export function withTimelineLimit(filter: JsonObject, limit: number): JsonObject {
  const room = isObject(filter['room']) ? filter['room'] : {};
  const timeline = isObject(room['timeline']) ? room['timeline'] : {};
  return { ...filter, room: { ...room, timeline: { ...timeline, limit } } };
}

function renamed(filter: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const nameOf = (key: string): string => (Object.hasOwn(names, key) ? names[key] : undefined) ?? key;
  const kept = Object.entries(filter).filter(
    ([key]) => nameOf(key) === key || !Object.hasOwn(filter, nameOf(key)),
  );
  return Object.fromEntries(kept.map(([key, value]) => [nameOf(key), value]));
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
