import type { ByteSink } from '../stream/byte-sink.ts';
import { COMMA, OBJECT_END, OBJECT_START } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';
import { MORE_THAN_A_COPY, roleOf, roleTable } from './member-roles.ts';

/**
 * The `unsigned` of a plain event as bytes: what of it is copied to the event's own level, and what is left out.
 *
 * One of these serves any number of events, one after the other.
 */
export class UnsignedBytes {
  readonly #leavesOut: boolean;
  readonly #members = new JsonMembers();
  /** What becomes of each member. */
  readonly #roles: (Role | undefined)[] = [];

  /** `leavesOut`: as in native's `state` arrays, without `membership` and `transaction_id`. */
  constructor({ leavesOut }: { leavesOut: boolean }) {
    this.#leavesOut = leavesOut;
  }

  /** Reads the object at `start`. False where it cannot be copied in parts, or has no `age`. */
  read(bytes: Buffer, start: number): boolean {
    const members = this.#members;
    if (!members.find(bytes, start) || members.hasEscapedKey) return false;
    let hasAge = false;
    for (let member = 0; member < members.count; member += 1) {
      const role = roleOf(ROLES, bytes, members, member);
      if (role === 'involved') return false;
      if (role === 'age') hasAge = bytes[members.valueStart(member)] !== LETTER_N;
      this.#roles[member] = role;
    }
    return hasAge;
  }

  /** Writes the object as it is to be: neighbours that stay are copied together. */
  write(bytes: Buffer, sink: ByteSink): void {
    const members = this.#members;
    if (!this.#leavesOut) {
      sink.range(bytes, members.start, members.end);
      return;
    }
    const { count } = members;
    sink.byte(OBJECT_START);
    let hasWritten = false;
    for (let member = 0; member < count; member += 1) {
      if (this.#roles[member] === 'left out') continue;
      const start = members.keyStart(member);
      while (member + 1 < count && this.#roles[member + 1] !== 'left out') member += 1;
      if (hasWritten) sink.byte(COMMA);
      sink.range(bytes, start, members.valueEnd(member));
      hasWritten = true;
    }
    sink.byte(OBJECT_END);
  }

  /** Writes what the event has on its own level too, each behind a comma. */
  writeCopies(bytes: Buffer, sink: ByteSink): void {
    const members = this.#members;
    for (let member = 0; member < members.count; member += 1) {
      const role = this.#roles[member];
      if (role !== 'age' && role !== 'copied') continue;
      sink.byte(COMMA);
      sink.range(bytes, members.keyStart(member), members.valueEnd(member));
    }
  }
}

type Role = 'age' | 'copied' | 'left out' | 'involved';

const LETTER_N = 0x6e;

const ROLES = roleTable<Role>({
  age: 'age',
  prev_content: 'copied',
  replaces_state: 'copied',
  membership: 'left out',
  transaction_id: 'left out',
  ...MORE_THAN_A_COPY,
});
