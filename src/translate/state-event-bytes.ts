import type { RoomId } from '../matrix/identifiers.ts';
import type { ByteSink } from '../stream/byte-sink.ts';
import { COMMA, isText, OBJECT_END, QUOTE } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { LEGACY_ALREADY, MORE_THAN_A_COPY, roleOf, roleTable } from './member-roles.ts';
import type { OverriddenState } from './overridden-state.ts';
import { UnsignedBytes } from './unsigned-bytes.ts';

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
  readonly #unsigned = new UnsignedBytes({ leavesOut: true });

  constructor(roomId: RoomId, overridden: OverriddenState) {
    this.#overridden = overridden;
    this.#ids = Buffer.from(`,"room_id":${JSON.stringify(roomId)},"user_id":`);
  }

  /** Writes the event whose members these are, behind a comma where it follows one, unless the timeline overrides it. */
  write(bytes: Buffer, event: JsonMembers, isFollowing: boolean, sink: ByteSink): Written {
    let type = NONE;
    let stateKey = NONE;
    let sender = NONE;
    let unsigned = NONE;
    for (let member = 0; member < event.count; member += 1) {
      switch (roleOf(ROLES, bytes, event, member)) {
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
    if (!this.#unsigned.read(bytes, event.valueStart(unsigned))) return 'not plain';
    if (this.#isOverridden(bytes, event, type, stateKey)) return 'overridden';
    if (isFollowing) sink.byte(COMMA);
    sink.range(bytes, event.start, event.valueStart(unsigned));
    this.#unsigned.write(bytes, sink);
    sink.range(bytes, event.valueEnd(unsigned), event.end - 1);
    sink.bytes(this.#ids);
    sink.range(bytes, event.valueStart(sender), event.valueEnd(sender));
    this.#unsigned.writeCopies(bytes, sink);
    sink.byte(OBJECT_END);
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
}

const NONE = -1;

const ROLES = roleTable<'type' | 'state_key' | 'sender' | 'unsigned' | 'involved'>({
  type: 'type',
  state_key: 'state_key',
  sender: 'sender',
  unsigned: 'unsigned',
  room_id: 'involved',
  ...MORE_THAN_A_COPY,
  ...LEGACY_ALREADY,
});

const REDACTION = Buffer.from('"m.room.redaction"');

/** It has `redacts` in two places. */
const isRedaction = (bytes: Buffer, members: JsonMembers, type: number): boolean =>
  isText(bytes, members.valueStart(type), members.valueEnd(type), REDACTION);

const isString = (bytes: Uint8Array, members: JsonMembers, member: number): boolean =>
  bytes[members.valueStart(member)] === QUOTE;
