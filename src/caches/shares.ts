/**
 * The one list of what is remembered between requests, and of which share of `cache_size` each may take, in 128ths. Each is
 * named as the file that holds it, and so in the metrics.
 *
 * What is remembered of a session is kept under its `SessionKey`, which is given once: a session that ends takes all of it
 * along. What stands here without one is nobody's.
 */
export const CACHE_SHARES = {
  /** Holds what is left of catch-ups, and a few facts for each session. */
  'session-cursors': { parts: 64, keyedBy: 'session' },
  'event-rooms': { parts: 32, keyedBy: 'nobody' },
  /** Holds whose each access token is, and makes the sessions' keys. */
  sessions: { parts: 10, keyedBy: 'token' },
  'modern-sessions': { parts: 2, keyedBy: 'token' },
  presences: { parts: 6, keyedBy: 'session' },
  visibility: { parts: 4, keyedBy: 'nobody' },
  transactions: { parts: 2, keyedBy: 'session' },
  'lost-sends': { parts: 1, keyedBy: 'session' },
  'bot-sessions': { parts: 1, keyedBy: 'session' },
  'repeated-typing': { parts: 2, keyedBy: 'session' },
  /** How often a room is asked for news. */
  'room-watch': { parts: 2, keyedBy: 'nobody' },
  /** Positions that the homeserver has reached. */
  'known-positions': { parts: 2, keyedBy: 'nobody' },
} as const satisfies Record<string, { parts: number; keyedBy: 'session' | 'token' | 'nobody' }>;

export type CacheName = keyof typeof CACHE_SHARES;

const ALL_PARTS = 128;

/** A cache → the bytes that it may take of `cacheSize`. */
export function shareOf(name: CacheName, cacheSize: number): number {
  return Math.floor((cacheSize / ALL_PARTS) * CACHE_SHARES[name].parts);
}

/** Bytes → how many entries of about this size fit into them; one at least. */
export const entriesIn = (bytes: number, bytesPerEntry: number): number =>
  Math.max(1, Math.floor(bytes / bytesPerEntry));
