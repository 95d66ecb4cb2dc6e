import { LRUCache } from 'lru-cache';
import type { SessionKey } from '../caches/sessions.ts';
import { entriesIn } from '../caches/shares.ts';
import type { Milliseconds, RoomId, SyncToken } from '../matrix/identifiers.ts';
import { bytesOfPage } from './page-ahead.ts';
import { bytesOfRemainder, withoutLargePage } from './remainder-memory.ts';
import type { RoomProgress, Remainder } from './remainder.ts';

/** Conveniences only: whatever is lost here is read from the homeserver again, by what the token says. */
export interface SessionCursors {
  /** Returns what is left of the catch-up that this token continues. */
  remainder(session: SessionKey, token: string): Remainder | undefined;
  keepRemainder(session: SessionKey, token: string, remainder: Remainder): void;
  /** Returns in how many polls in a row, from this very token, this room failed. */
  failures(session: SessionKey, token: string, roomId: RoomId): number;
  countFailure(session: SessionKey, token: string, roomId: RoomId): void;
  /**
   * Returns where the session's last snapshot of this room ended, for a minute: a poll that follows goes on from
   * there.
   */
  snapshot(session: SessionKey, roomId: RoomId): string | undefined;
  keepSnapshot(session: SessionKey, roomId: RoomId, token: string): void;
  /** Is told of an answer of the whole stream up to `end`, in which the user joined these rooms. */
  noteDelivered(session: SessionKey, end: SyncToken, joined: readonly RoomId[]): void;
  /**
   * Returns the position up to which the session's stream was delivered, where the user joined this room a moment
   * ago: a snapshot that ends there meets the stream without gap or repeat.
   */
  deliveredUpTo(session: SessionKey, roomId: RoomId): SyncToken | undefined;
  /**
   * Returns how many initial syncs the session was given whole: the next one shall not be an earlier one from a
   * cache.
   */
  initialSyncs(session: SessionKey): number;
  countInitialSync(session: SessionKey): void;
  /** How many bytes all of them take. */
  readonly bytes: number;
}

/** A remainder, and what it takes: more, as pages arrive that are on their way. */
interface Kept {
  remainder: Remainder;
  bytes: number;
}

/** A key of a session, a room and perhaps a token, the value, and the cache's own links. */
const BYTES_PER_FACT = 600;

/** A client that catches up asks again within seconds; one that was cut off, when its network is back. */
const REMAINDER_TTL_MS: Milliseconds = 5 * 60_000;
/** A client polls right after it looked at a room; matrix-js-sdk tries again after 30 s where that fails. */
const SNAPSHOT_TTL_MS: Milliseconds = 60_000;
/** It is longer than the two minutes for which Synapse gives an earlier answer again. */
const INITIAL_SYNCS_TTL_MS: Milliseconds = 60 * 60_000;

/** The LRU of session cursors: bounded in bytes, each entry for some minutes after its last use. */
export function createSessionCursors(options: { maxBytes: number; ttlMs?: Milliseconds }): SessionCursors {
  const ttl = options.ttlMs ?? REMAINDER_TTL_MS;
  // Seven eighths for the remainders; of the facts each kind has its own part, so that none pushes out another.
  const maxSize = Math.max(1, Math.floor((options.maxBytes * 7) / 8));
  const max = entriesIn(options.maxBytes / 8 / 5, BYTES_PER_FACT);
  const remainders = new LRUCache<string, Kept>({
    maxSize,
    sizeCalculation: ({ bytes }) => bytes,
    ttl,
    updateAgeOnGet: true,
  });
  const failures = new LRUCache<string, number>({ max, ttl, updateAgeOnGet: true });
  const snapshots = new LRUCache<string, string>({ max, ttl: SNAPSHOT_TTL_MS });
  const joins = new LRUCache<string, true>({ max, ttl: SNAPSHOT_TTL_MS });
  const delivered = new LRUCache<SessionKey, SyncToken>({ max, ttl: SNAPSHOT_TTL_MS });
  const initialSyncs = new LRUCache<SessionKey, number>({ max, ttl: INITIAL_SYNCS_TTL_MS });
  const keyOf = (...parts: string[]) => JSON.stringify(parts);
  const keep = (key: string, remainder: Remainder): void =>
    void remainders.set(key, { remainder, bytes: bytesOfRemainder(remainder) });

  /** Counts pages when they arrive; how large they are is not known before. */
  async function countArrivals(key: string, remainder: Remainder): Promise<void> {
    let ahead = remainder.progress?.ahead;
    while (ahead !== undefined) {
      const page = await ahead;
      const kept = remainders.peek(key);
      if (kept?.remainder !== remainder) return;
      const bytes = kept.bytes + bytesOfPage(page);
      remainders.set(key, { remainder, bytes }, { noUpdateTTL: true });
      ahead = page.following;
    }
  }

  return {
    remainder: (session, token) => {
      const key = keyOf(session, token);
      const remainder = remainders.get(key)?.remainder;
      // Whoever takes it takes the pages on their way along: for a retry of the same token they are read again.
      if (remainder?.progress?.ahead !== undefined)
        keep(key, withoutPagesAhead(remainder, remainder.progress));
      return remainder;
    },
    keepRemainder: (session, token, given) => {
      const key = keyOf(session, token);
      const remainder = withoutLargePage(given);
      keep(key, remainder);
      // A page that fails is read again by whoever wants it.
      countArrivals(key, remainder).catch(() => {});
    },
    failures: (session, token, roomId) => failures.get(keyOf(session, token, roomId)) ?? 0,
    countFailure: (session, token, roomId) => {
      const key = keyOf(session, token, roomId);
      failures.set(key, (failures.get(key) ?? 0) + 1);
    },
    snapshot: (session, roomId) => snapshots.get(keyOf(session, roomId)),
    keepSnapshot: (session, roomId, token) => void snapshots.set(keyOf(session, roomId), token),
    noteDelivered: (session, end, joined) => {
      for (const roomId of joined) joins.set(keyOf(session, roomId), true);
      delivered.set(session, end);
    },
    deliveredUpTo: (session, roomId) =>
      joins.has(keyOf(session, roomId)) ? delivered.get(session) : undefined,
    initialSyncs: (session) => initialSyncs.get(session) ?? 0,
    countInitialSync: (session) => void initialSyncs.set(session, (initialSyncs.get(session) ?? 0) + 1),
    get bytes() {
      const facts = [failures, snapshots, joins, delivered, initialSyncs];
      return facts.reduce((sum, { size }) => sum + size * BYTES_PER_FACT, remainders.calculatedSize);
    },
  };
}

function withoutPagesAhead(remainder: Remainder, { ahead: _taken, ...progress }: RoomProgress): Remainder {
  return { ...remainder, progress };
}
