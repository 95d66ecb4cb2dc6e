import type { RoomId } from '../matrix/identifiers.ts';
import { ByteSink } from '../stream/byte-sink.ts';
import { OBJECT_END } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import type { WrittenEphemeral } from './events.ts';
import { SplicedObject } from './spliced-object.ts';

const LETTER_N = 0x6e;

/**
 * Presence, a receipt, typing or account data of `/sync` → its legacy form, the content as the homeserver wrote it.
 *
 * Presence names its user in the content, what belongs to a room has its id; nothing else is added or kept.
 *
 * @see docs/reference/synapse-legacy.md#what-the-chunk-holds-and-in-which-order
 */
export class EphemeralWriter {
  readonly #sink = new ByteSink(4096);

  presence(bytes: Buffer, members: JsonMembers): WrittenEphemeral {
    const sink = this.#sink;
    const content = contentOf(bytes, members);
    sink.text('{"type":"m.presence","content":{');
    const sender = members.named(bytes, 'sender');
    if (sender !== -1 && bytes[members.valueStart(sender)] !== LETTER_N) {
      sink.text('"user_id":');
      sink.range(bytes, members.valueStart(sender), members.valueEnd(sender));
      if (content !== undefined) new SplicedObject(content).writeWithout(['user_id'], ',', sink);
    } else if (content !== undefined) {
      new SplicedObject(content).writeWithout([], '', sink);
    }
    sink.byte(OBJECT_END);
    return this.#finish('m.presence');
  }

  other(type: string, bytes: Buffer, members: JsonMembers, roomId?: RoomId): WrittenEphemeral {
    const sink = this.#sink;
    sink.text(`{"type":${JSON.stringify(type)},`);
    if (roomId !== undefined) sink.text(`"room_id":${JSON.stringify(roomId)},`);
    sink.text('"content":');
    const content = contentOf(bytes, members);
    if (content === undefined) sink.text('{}');
    else sink.bytes(content);
    return this.#finish(type, roomId);
  }

  #finish(type: string, roomId?: RoomId): WrittenEphemeral {
    this.#sink.byte(OBJECT_END);
    return { type, ...(roomId !== undefined && { roomId }), bytes: Buffer.from(this.#sink.drain()) };
  }
}

/** Returns the bytes of `content`; undefined where there is none. */
function contentOf(bytes: Buffer, members: JsonMembers): Buffer | undefined {
  const content = members.named(bytes, 'content');
  if (content === -1 || bytes[members.valueStart(content)] === LETTER_N) return undefined;
  return bytes.subarray(members.valueStart(content), members.valueEnd(content));
}
