import { LRUCache } from 'lru-cache';
import type { TokenKey } from './sessions.ts';
import { entriesIn } from './shares.ts';

/** This memory holds the sessions whose client also syncs or encrypts the modern way, and so needs its to-device messages. */
export interface ModernSessions {
  note(session: TokenKey): void;
  has(session: TokenKey): boolean;
  /** True the first time that it is asked of a session. */
  isNew(session: TokenKey): boolean;
  /** Forgets a session, after its logout. */
  forget(session: TokenKey): void;
  readonly bytes: number;
}

/** An entry costs about so much: a key, an object, and the cache's own links. */
const BYTES_PER_SESSION = 256;

/** Builds the memory of modern sessions, bounded in bytes. */
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
