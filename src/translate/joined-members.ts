import type { UserId } from '../matrix/identifiers.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { KnownKeys } from './known-keys.ts';
import { KnownMembers } from './known-members.ts';

/** A collector of a room's joined members, out of its state events: up to a number of members, beyond it nobody. */
export class JoinedMembers {
  readonly #most: number;
  readonly #userIds: UserId[] = [];
  readonly #event = new KnownMembers(EVENT_KEYS);
  readonly #content = new KnownMembers(CONTENT_KEYS);

  constructor(most: number) {
    this.#most = most;
  }

  get areTooMany(): boolean {
    return this.#userIds.length > this.#most;
  }

  get userIds(): readonly UserId[] {
    return this.#userIds;
  }

  /** Reads the state event whose members these are. */
  note(bytes: Buffer, members: JsonMembers): void {
    if (this.areTooMany) return;
    const event = this.#event;
    event.read(bytes, members);
    if (!event.hasText(EVENT.type, MEMBER) || !event.has(EVENT.content)) return;
    const content = this.#content;
    if (!content.readAt(bytes, event.valueStart(EVENT.content))) return;
    const userId = event.text(EVENT.state_key);
    if (content.hasText(CONTENT.membership, JOIN) && userId !== undefined)
      this.#userIds.push(userId as UserId);
  }
}

const EVENT = { type: 0, state_key: 1, content: 2 } as const;
const EVENT_KEYS = new KnownKeys(Object.keys(EVENT));
const CONTENT = { membership: 0 } as const;
const CONTENT_KEYS = new KnownKeys(Object.keys(CONTENT));
const MEMBER = Buffer.from('"m.room.member"');
const JOIN = Buffer.from('"join"');
