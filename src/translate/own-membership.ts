import type { EventId, UserId } from '../matrix/identifiers.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { KnownKeys } from './known-keys.ts';
import { KnownMembers } from './known-members.ts';

/**
 * A reader of a room's events, as the homeserver wrote them: of their ids, and of what they make of one user's
 * membership.
 */
export class OwnMembership {
  readonly #userId: UserId;
  readonly #event = new KnownMembers(EVENT_KEYS);
  readonly #content = new KnownMembers(CONTENT_KEYS);
  /** The id of the event that was read last. */
  eventId: EventId | undefined;
  /** The membership that the latest of the user's membership events says; absent before one was read. */
  current: string | undefined;

  constructor(userId: UserId) {
    this.#userId = userId;
  }

  read(bytes: Buffer, members: JsonMembers): void {
    const event = this.#event;
    event.read(bytes, members);
    this.eventId = event.text(EVENT.event_id) as EventId | undefined;
    if (!event.hasText(EVENT.type, MEMBER) || event.text(EVENT.state_key) !== this.#userId) return;
    const content = this.#content;
    const hasContent = event.has(EVENT.content) && content.readAt(bytes, event.valueStart(EVENT.content));
    this.current = hasContent ? content.text(CONTENT.membership) : undefined;
  }
}

const EVENT = { type: 0, state_key: 1, event_id: 2, content: 3 } as const;
const EVENT_KEYS = new KnownKeys(Object.keys(EVENT));
const CONTENT = { membership: 0 } as const;
const CONTENT_KEYS = new KnownKeys(Object.keys(CONTENT));
const MEMBER = Buffer.from('"m.room.member"');
