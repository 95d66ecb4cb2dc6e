import { membershipOf } from '../matrix/client-event.ts';
import type { EventId, Milliseconds, RoomId, UserId } from '../matrix/identifiers.ts';
import type { StoredEvent } from './stored-event.ts';
import { countWhile, Timeline } from './timeline.ts';

export type Membership = 'join' | 'invite' | 'leave' | 'ban' | 'knock';

export interface Receipt {
  userId: UserId;
  type: string;
  eventId: EventId;
  threadId: string | undefined;
  sentAt: Milliseconds;
  stream: number;
}

/** A room: its history, its state at any time, and who types and has read what. State follows the order of arrival. */
export class Room {
  readonly roomId: RoomId;
  readonly version: string;
  readonly timeline = new Timeline();
  isPublished = false;
  readonly receipts = new Map<string, Receipt>();
  typing: { stream: number; users: Map<UserId, NodeJS.Timeout> } = { stream: 0, users: new Map() };
  /** The state events, in the order of arrival. */
  readonly #stateEvents: StoredEvent[] = [];
  /** Type → state key → what stood there, one after the other. */
  readonly #state = new Map<string, Map<string, StoredEvent[]>>();

  constructor(roomId: RoomId, version: string) {
    this.roomId = roomId;
    this.version = version;
  }

  add(event: StoredEvent): void {
    this.timeline.add(event);
    if (event.stateKey === undefined) return;
    this.#stateEvents.push(event);
    const ofType = this.#state.get(event.type) ?? new Map<string, StoredEvent[]>();
    this.#state.set(event.type, ofType);
    const versions = ofType.get(event.stateKey);
    if (versions === undefined) ofType.set(event.stateKey, [event]);
    else versions.push(event);
  }

  /** A state event as it stood at a position of the stream; now, where none is given. */
  stateEvent(type: string, stateKey: string, at = Infinity): StoredEvent | undefined {
    return latest(this.#state.get(type)?.get(stateKey), at);
  }

  /** The whole state at a position of the stream. */
  stateAt(at = Infinity): StoredEvent[] {
    return [...this.#state.values()].flatMap((ofType) =>
      [...ofType.values()].flatMap((versions) => latest(versions, at) ?? []),
    );
  }

  /** State events that arrived after `after`, up to `until`, each key's last one, by arrival. */
  stateChanges(after: number, until: number): StoredEvent[] {
    const start = countWhile(this.#stateEvents, (event) => event.stream <= after);
    const end = countWhile(this.#stateEvents, (event) => event.stream <= until);
    const changed = this.#stateEvents.slice(start, end);
    return changed.filter((event) => this.stateEvent(event.type, event.stateKey ?? '', until) === event);
  }

  membershipEvent(userId: UserId, at = Infinity): StoredEvent | undefined {
    return this.stateEvent('m.room.member', userId, at);
  }

  /** `leave` for somebody who never had to do with the room. */
  membership(userId: UserId, at = Infinity): Membership {
    const event = this.membershipEvent(userId, at);
    return ((event && membershipOf(event)) ?? 'leave') as Membership;
  }

  /** A user's own membership events that arrived after `after`, by arrival. */
  membershipChanges(userId: UserId, after: number): StoredEvent[] {
    const versions = this.#state.get('m.room.member')?.get(userId) ?? [];
    return versions.slice(countWhile(versions, (event) => event.stream <= after));
  }

  usersWho(membership: Membership): UserId[] {
    const users = [...(this.#state.get('m.room.member')?.keys() ?? [])] as UserId[];
    return users.filter((userId) => this.membership(userId) === membership);
  }

  historyVisibility(at = Infinity): string {
    return this.contentOf('m.room.history_visibility', 'history_visibility', at) ?? 'shared';
  }

  /** A text in a state event with an empty state key; undefined where there is none. */
  contentOf(type: string, key: string, at = Infinity): string | undefined {
    const value = this.stateEvent(type, '', at)?.content[key];
    return typeof value === 'string' ? value : undefined;
  }
}

function latest(versions: readonly StoredEvent[] | undefined, at: number): StoredEvent | undefined {
  return versions?.findLast((event) => event.stream <= at);
}
