import type { RoomId } from '../matrix/identifiers.ts';
import type { ByteSink } from '../stream/byte-sink.ts';
import { JsonMembers } from '../stream/json-members.ts';
import type { OverriddenState } from './overridden-state.ts';

/** What became of a state event. */
export type Written = 'written' | 'overridden' | 'not plain';

/**
 * The state events of one room → their legacy form, as bytes: ranges of the event are copied, nothing is parsed.
 *
 * An initial sync consists of state events, nearly all of them plain; one that is not (redacted, in the legacy format
 * already, without `age` …) is left to `toLegacyEvent`, which gives the same for the plain ones, some times slower.
 */
export class StateEventBytes {
  readonly #overridden: OverriddenState;
  readonly #ids: Buffer;
  readonly #unsigned = new JsonMembers();
  /** What becomes of each of `unsigned`'s members. */
  readonly #roles: (Role | undefined)[] = [];

  constructor(roomId: RoomId, overridden: OverriddenState) {
    this.#overridden = overridden;
    this.#ids = bytesOf(`,"room_id":${JSON.stringify(roomId)},"user_id":`);
  }

  /** Writes the event whose members these are, behind a comma where it follows one, unless the timeline overrides it. */
  write(bytes: Buffer, event: JsonMembers, isFollowing: boolean, sink: ByteSink): Written {
    let type = NONE;
    let stateKey = NONE;
    let sender = NONE;
    let unsigned = NONE;
    for (let member = 0; member < event.count; member += 1) {
      switch (roleOf(EVENT_ROLES, bytes, event, member)) {
        case 'type':
          type = member;
          break;
        case 'state_key':
          stateKey = member;
          break;
        case 'sender':
          sender = member;
          break;
        case 'unsigned':
          if (unsigned !== NONE) return 'not plain';
          unsigned = member;
          break;
        case 'involved':
          return 'not plain';
        default:
      }
    }
    if (type === NONE || stateKey === NONE || sender === NONE || unsigned === NONE) return 'not plain';
    if (event.hasEscapedKey || !isString(bytes, event, type) || !isString(bytes, event, stateKey))
      return 'not plain';
    if (isRedaction(bytes, event, type)) return 'not plain';
    if (!this.#unsigned.find(bytes, event.valueStart(unsigned)) || !this.#isPlain(bytes)) return 'not plain';
    if (this.#isOverridden(bytes, event, type, stateKey)) return 'overridden';
    if (isFollowing) sink.byte(COMMA);
    sink.range(bytes, event.start, event.valueStart(unsigned));
    this.#writeUnsigned(bytes, sink);
    sink.range(bytes, event.valueEnd(unsigned), event.end - 1);
    sink.bytes(this.#ids);
    sink.range(bytes, event.valueStart(sender), event.valueEnd(sender));
    this.#writeCopies(bytes, sink);
    return 'written';
  }

  #isOverridden(bytes: Buffer, event: JsonMembers, type: number, stateKey: number): boolean {
    return this.#overridden.hasBytes(
      bytes,
      event.valueStart(type),
      event.valueEnd(type),
      event.valueStart(stateKey),
      event.valueEnd(stateKey),
    );
  }

  /** Whether `unsigned` can be copied in parts; notes which. */
  #isPlain(bytes: Buffer): boolean {
    const unsigned = this.#unsigned;
    if (unsigned.hasEscapedKey) return false;
    let hasAge = false;
    for (let member = 0; member < unsigned.count; member += 1) {
      const role = roleOf(UNSIGNED_ROLES, bytes, unsigned, member);
      if (role === 'involved') return false;
      if (role === 'age') hasAge = bytes[unsigned.valueStart(member)] !== LETTER_N;
      this.#roles[member] = role === 'age' ? 'copied' : role;
    }
    return hasAge;
  }

  /** Without what `state` arrays do not have natively: neighbours that stay are copied together. */
  #writeUnsigned(bytes: Buffer, sink: ByteSink): void {
    const unsigned = this.#unsigned;
    const { count } = unsigned;
    sink.byte(OBJECT_START);
    let hasWritten = false;
    for (let member = 0; member < count; member += 1) {
      if (this.#roles[member] === 'dropped') continue;
      const start = unsigned.keyStart(member);
      while (member + 1 < count && this.#roles[member + 1] !== 'dropped') member += 1;
      if (hasWritten) sink.byte(COMMA);
      sink.range(bytes, start, unsigned.valueEnd(member));
      hasWritten = true;
    }
    sink.byte(OBJECT_END);
  }

  #writeCopies(bytes: Buffer, sink: ByteSink): void {
    const unsigned = this.#unsigned;
    for (let member = 0; member < unsigned.count; member += 1) {
      if (this.#roles[member] !== 'copied') continue;
      sink.byte(COMMA);
      sink.range(bytes, unsigned.keyStart(member), unsigned.valueEnd(member));
    }
    sink.byte(OBJECT_END);
  }
}

const NONE = -1;
const WORD = 4;
const QUOTE = 0x22;
const COMMA = 0x2c;
const LETTER_N = 0x6e;
const OBJECT_START = 0x7b;
const OBJECT_END = 0x7d;

type Role = 'type' | 'state_key' | 'sender' | 'unsigned' | 'age' | 'copied' | 'dropped' | 'involved';

interface NamedRole {
  name: Buffer;
  /** Of the name, quotes and all: its first and its last four bytes, which tell nearly all names apart. */
  first: number;
  last: number;
  role: Role;
}

/** By the length of the name, quotes and all. */
type RoleTable = readonly (readonly NamedRole[] | undefined)[];

function bytesOf(text: string): Buffer {
  return Buffer.from(text);
}

function tableOf(roles: Record<string, Role>): RoleTable {
  const table: NamedRole[][] = [];
  for (const [key, role] of Object.entries(roles)) {
    const name = bytesOf(JSON.stringify(key));
    const named = { name, first: wordAt(name, 0), last: wordAt(name, name.length - WORD), role };
    table[name.length] = [...(table[name.length] ?? []), named];
  }
  return Array.from({ length: 32 }, (_, length) => table[length]);
}

/** A member that makes the legacy format more than a copy, or that shows an event which is in it already. */
const INVOLVED = {
  redacted_because: 'involved',
  invite_room_state: 'involved',
  knock_room_state: 'involved',
  'm.relations': 'involved',
} as const;

const EVENT_ROLES = tableOf({
  ...INVOLVED,
  type: 'type',
  state_key: 'state_key',
  sender: 'sender',
  unsigned: 'unsigned',
  room_id: 'involved',
  user_id: 'involved',
  age: 'involved',
  prev_content: 'involved',
  replaces_state: 'involved',
});

const UNSIGNED_ROLES = tableOf({
  ...INVOLVED,
  age: 'age',
  prev_content: 'copied',
  replaces_state: 'copied',
  membership: 'dropped',
  transaction_id: 'dropped',
});

function roleOf(table: RoleTable, bytes: Uint8Array, members: JsonMembers, member: number): Role | undefined {
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

const REDACTION = bytesOf('"m.room.redaction"');

/** It has `redacts` in two places. */
const isRedaction = (bytes: Uint8Array, members: JsonMembers, type: number): boolean =>
  members.valueEnd(type) - members.valueStart(type) === REDACTION.length &&
  REDACTION.every((byte, at) => bytes[members.valueStart(type) + at] === byte);

const isString = (bytes: Uint8Array, members: JsonMembers, member: number): boolean =>
  bytes[members.valueStart(member)] === QUOTE;
