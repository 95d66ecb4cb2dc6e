import type { ByteSink } from '../stream/byte-sink.ts';
import { OBJECT_END } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { KnownKeys } from './known-keys.ts';
import { KnownMembers } from './known-members.ts';

/** Account data as the homeserver wrote it → its legacy form, which is type and content alone: the content is copied. */
export class AccountDataBytes {
  readonly #event = new KnownMembers(KEYS);

  /** Reads the event and returns its type; undefined where it has none: then it is no account data. */
  typeOf(bytes: Buffer, members: JsonMembers): string | undefined {
    this.#event.read(bytes, members);
    return this.#event.text(KEY.type);
  }

  /** Writes the event that was read last. */
  write(sink: ByteSink): void {
    sink.bytes(TYPE);
    this.#event.writeValue(KEY.type, sink);
    sink.bytes(CONTENT);
    if (this.#event.hasValue(KEY.content)) this.#event.writeValue(KEY.content, sink);
    else sink.bytes(NOTHING);
    sink.byte(OBJECT_END);
  }
}

const KEY = { type: 0, content: 1 } as const;
const KEYS = new KnownKeys(Object.keys(KEY));
const TYPE = Buffer.from('{"type":');
const CONTENT = Buffer.from(',"content":');
const NOTHING = Buffer.from('{}');
