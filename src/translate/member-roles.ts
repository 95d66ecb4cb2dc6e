import type { JsonMembers } from '../stream/json-members.ts';

// What the members of an object are, told from the bytes of their names: for what is done to every event, many times over.

/** What each name means; made once. */
export type RoleTable<Role> = readonly (readonly NamedRole<Role>[] | undefined)[];

interface NamedRole<Role> {
  name: Buffer;
  /** Of the name, quotes and all: its first and its last four bytes, which tell nearly all names apart. */
  first: number;
  last: number;
  role: Role;
}

const WORD = 4;
const LONGEST_NAME = 32;

/** Name → role, for names of two to thirty bytes. */
export function roleTable<Role extends string>(roles: Readonly<Record<string, Role>>): RoleTable<Role> {
  // By the length of the name, quotes and all.
  const table: NamedRole<Role>[][] = [];
  for (const [key, role] of Object.entries(roles)) {
    const name = Buffer.from(JSON.stringify(key));
    const named = { name, first: wordAt(name, 0), last: wordAt(name, name.length - WORD), role };
    table[name.length] = [...(table[name.length] ?? []), named];
  }
  return Array.from({ length: LONGEST_NAME }, (_, length) => table[length]);
}

/** The role of a member; undefined where its name has none, or is written with an escape. */
export function roleOf<Role>(
  table: RoleTable<Role>,
  bytes: Uint8Array,
  members: JsonMembers,
  member: number,
): Role | undefined {
  const start = members.keyStart(member);
  const end = members.keyEnd(member);
  const candidates = table[end - start];
  if (candidates === undefined) return undefined;
  const first = wordAt(bytes, start);
  for (let i = 0; i < candidates.length; i += 1) {
    const candidate = candidates[i];
    if (candidate === undefined || candidate.first !== first) continue;
    if (candidate.last === wordAt(bytes, end - WORD) && hasInside(bytes, start, candidate.name))
      return candidate.role;
  }
  return undefined;
}

function wordAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at + 3] ?? 0) << 24) | ((bytes[at + 2] ?? 0) << 16);
  return high | ((bytes[at + 1] ?? 0) << 8) | (bytes[at] ?? 0);
}

/** Whether what is between the first and the last word is the same. */
function hasInside(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let at = name.length - WORD - 1; at >= WORD; at -= 1) if (bytes[start + at] !== name[at]) return false;
  return true;
}

/** Of an event or its `unsigned`: what makes the legacy format more than a copy. */
export const MORE_THAN_A_COPY = {
  redacted_because: 'involved',
  invite_room_state: 'involved',
  knock_room_state: 'involved',
  'm.relations': 'involved',
} as const;

/** Of an event: what shows that it is in the legacy format already. */
export const LEGACY_ALREADY = {
  user_id: 'involved',
  age: 'involved',
  prev_content: 'involved',
  replaces_state: 'involved',
} as const;
