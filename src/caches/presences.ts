import { LRUCache } from 'lru-cache';
import type { EphemeralEvent } from '../matrix/client-event.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import type { SessionKey } from './sessions.ts';

/** This memory holds what a session was last told of everybody's presence. */
export interface Presences {
  /** Remembers what is presence, in its legacy form, among these events; of each user the last one counts. */
  note(session: SessionKey, events: readonly EphemeralEvent[]): void;
  /** Returns one event for each user, the one that was told longest ago first. */
  toldTo(session: SessionKey): readonly EphemeralEvent[];
  readonly bytes: number;
}

/** About what an event costs beside its texts: the objects, and its place in the map. */
const BYTES_PER_USER = 512;
const BYTES_PER_SESSION = 512;
/** A session's memory holds so many users; the one that was told longest ago is forgotten first. */
const MOST_USERS = 1000;

/**
 * Holds what one session was told. It grows in place; the cache holds a new record with each change, to know its
 * size.
 */
interface Told {
  users: Map<string, EphemeralEvent>;
  bytes: number;
}

/** Builds the memory of presence, bounded in bytes; what a session has not been told anew for an hour is forgotten. */
export function createPresences(options: { maxBytes: number; ttlMs?: Milliseconds }): Presences {
  const sessions = new LRUCache<SessionKey, Told>({
    maxSize: Math.max(1, Math.floor(options.maxBytes)),
    sizeCalculation: ({ bytes }) => bytes,
    ttl: options.ttlMs ?? 60 * 60_000,
  });
  return {
    note: (session, events) => {
      const told = events.filter(({ type }) => type === 'm.presence');
      if (told.length === 0) return;
      const { users, bytes } = sessions.get(session) ?? { users: new Map(), bytes: BYTES_PER_SESSION };
      let size = bytes;
      for (const event of told) {
        const userId = event.content?.['user_id'];
        if (typeof userId !== 'string') continue;
        size += bytesOf(event) - forget(users, userId);
        users.set(userId, event);
        const [oldest] = users.keys();
        if (users.size > MOST_USERS && oldest !== undefined) size -= forget(users, oldest);
      }
      sessions.set(session, { users, bytes: size });
    },
    toldTo: (session) => [...(sessions.get(session)?.users.values() ?? [])],
    get bytes() {
      return sessions.calculatedSize;
    },
  };
}

/** Takes a user out; returns what he took, in bytes. */
function forget(users: Map<string, EphemeralEvent>, userId: string): number {
  const known = users.get(userId);
  users.delete(userId);
  return known === undefined ? 0 : bytesOf(known);
}

const bytesOf = (event: EphemeralEvent): number => BYTES_PER_USER + 2 * JSON.stringify(event).length;
