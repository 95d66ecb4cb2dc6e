import { LRUCache } from 'lru-cache';
import type { TokenKey } from './sessions.ts';
import { entriesIn } from './shares.ts';

/** Sessions whose client also syncs or encrypts the modern way, and so needs the to-device messages of its device. */
export interface ModernSessions {
  note(session: TokenKey): void;
  has(session: TokenKey): boolean;
  /** True the first time that it is asked of a session. */
  isNew(session: TokenKey): boolean;
  /** After its logout. */
  forget(session: TokenKey): void;
  readonly bytes: number;
}

/** A key, an object, and the cache's own links. */
const BYTES_PER_SESSION = 256;

/** The memory of modern sessions, bounded in bytes. */
export function createModernSessions(options: { maxBytes: number }): ModernSessions {
  const sessions = new LRUCache<TokenKey, { isKnown: boolean }>({
    max: entriesIn(options.maxBytes, BYTES_PER_SESSION),
  });
  return {
    note: (session) => {
      if (!sessions.has(session)) sessions.set(session, { isKnown: false });
    },
    has: (session) => sessions.has(session),
    isNew: (session) => {
      const entry = sessions.get(session);
      if (entry === undefined || entry.isKnown) return false;
      entry.isKnown = true;
      return true;
    },
    forget: (session) => void sessions.delete(session),
    get bytes() {
      return sessions.size * BYTES_PER_SESSION;
    },
  };
}
