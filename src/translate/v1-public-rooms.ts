import type { JsonObject } from '../matrix/client-event.ts';

/** A room of the directory → as api/v1 had it: with `aliases`, which became one `canonical_alias`. */
export function toV1PublicRoom(room: JsonObject): JsonObject {
  if (Array.isArray(room['aliases'])) return room;
  const alias = room['canonical_alias'];
  return { ...room, aliases: typeof alias === 'string' ? [alias] : [] };
}

/** A page of the directory → as api/v1 had it: with the constants that stood for where it starts and ends. */
export function toV1PublicRooms(page: JsonObject): JsonObject {
  return { ...page, start: 'START', end: 'END', chunk: roomsIn(page).map(toV1PublicRoom) };
}

/** The rooms of a page; none where the homeserver sends no list. */
export function roomsIn({ chunk }: JsonObject): JsonObject[] {
  return Array.isArray(chunk) ? chunk : [];
}
