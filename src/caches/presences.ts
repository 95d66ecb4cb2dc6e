import { LRUCache } from 'lru-cache';
import type { EphemeralEvent } from '../matrix/client-event.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import type { SessionKey } from './sessions.ts';

/** What a session was last told of everybody's presence. */
export interface Presences {
  /** Remembers what is presence, in its legacy form, among these events; of each user the last one counts. */
  note(session: SessionKey, events: readonly EphemeralEvent[]): void;
  /** One event for each user, the one that was told longest ago first. */
  toldTo(session: SessionKey): readonly EphemeralEvent[];
}

/** About what a presence event costs: an id, a status message, the objects. */
const BYTES_PER_USER = 512;
const BYTES_PER_SESSION = 256;
/** Of one session; who was told longest ago is forgotten. */
const MOST_USERS = 1000;

/** The memory of presence, bounded in bytes; what a session has not been told anew for an hour is forgotten. */
export function createPresences(options: { maxBytes: number; ttlMs?: Milliseconds }): Presences {
  const sessions = new LRUCache<SessionKey, ReadonlyMap<string, EphemeralEvent>>({
    maxSize: Math.max(1, Math.floor(options.maxBytes)),
    sizeCalculation: ({ size }) => BYTES_PER_SESSION + size * BYTES_PER_USER,
    ttl: options.ttlMs ?? 60 * 60_000,
  });
  return {
    note: (session, events) => {
      const told = events.filter(({ type }) => type === 'm.presence');
      if (told.length === 0) return;
      const users = new Map(sessions.get(session));
      for (const event of told) {
        const userId = event.content?.['user_id'];
        if (typeof userId !== 'string') continue;
        users.delete(userId);
        users.set(userId, event);
      }
      const surplus = [...users.keys()].slice(0, Math.max(0, users.size - MOST_USERS));
      for (const userId of surplus) users.delete(userId);
      sessions.set(session, users);
    },
    toldTo: (session) => [...(sessions.get(session)?.values() ?? [])],
  };
}
