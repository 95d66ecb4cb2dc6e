import { LRUCache } from 'lru-cache';
import type { SessionKey } from './sessions.ts';

/** Sessions whose client also syncs or encrypts the modern way, and so needs the to-device messages of its device. */
export interface ModernSessions {
  note(session: SessionKey): void;
  has(session: SessionKey): boolean;
  /** True the first time that it is asked of a session. */
  isNew(session: SessionKey): boolean;
}

const BYTES_PER_SESSION = 128;

/** The memory of modern sessions, bounded in bytes. */
export function createModernSessions(options: { maxBytes: number }): ModernSessions {
  const sessions = new LRUCache<SessionKey, { isKnown: boolean }>({
    max: Math.max(1, Math.floor(options.maxBytes / BYTES_PER_SESSION)),
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
  };
}
