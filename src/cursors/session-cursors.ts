import { LRUCache } from 'lru-cache';
import type { SessionKey } from '../caches/sessions.ts';
import type { Milliseconds, RoomId, SyncToken } from '../matrix/identifiers.ts';
import { WrittenEvent } from '../translate/written-event.ts';
import type { Reading, Remainder, RoomEvent } from './catch-up.ts';

/** Conveniences only: whatever is lost here is read from the homeserver again, by what the token says. */
export interface SessionCursors {
  /** What is left of the catch-up that this token continues. */
  remainder(session: SessionKey, token: string): Remainder | undefined;
  keepRemainder(session: SessionKey, token: string, remainder: Remainder): void;
  /** In how many polls in a row, from this very token, this room failed. */
  failures(session: SessionKey, token: string, roomId: RoomId): number;
  countFailure(session: SessionKey, token: string, roomId: RoomId): void;
  /** Where the session's last look at this room ended, for a minute: a poll that follows goes on from there. */
  snapshot(session: SessionKey, roomId: RoomId): string | undefined;
  keepSnapshot(session: SessionKey, roomId: RoomId, token: string): void;
  /** After an answer of the whole stream up to `end`, which had our own joins of these rooms. */
  noteDelivered(session: SessionKey, end: SyncToken, joined: readonly RoomId[]): void;
  /** Where a look at a room that was joined just now meets the session's stream, without gap or repeat. */
  meetingPoint(session: SessionKey, roomId: RoomId): SyncToken | undefined;
  /** How many initial syncs the session was given whole: the next one shall not be an earlier one from a cache. */
  initialSyncs(session: SessionKey): number;
  countInitialSync(session: SessionKey): void;
  clear(): void;
  /** What the remainders take, in bytes. */
  readonly bytes: number;
}

/** The cost of an entry and of a room beside the events (keys, tokens, links), and of a page's event beside its bytes. */
const BYTES_PER_ENTRY = 1024;
const BYTES_PER_ROOM = 256;
const BYTES_PER_EVENT = 256;
/** Of pages that are on their way: how large they are is not known yet. */
const BYTES_AHEAD = 256 * 1024;

/** The LRU of session cursors: bounded in bytes, each entry for some minutes after its last use. */
export function createSessionCursors(options: { maxBytes: number; ttlMs?: Milliseconds }): SessionCursors {
  const ttl = options.ttlMs ?? 5 * 60_000;
  const maxSize = Math.max(1, options.maxBytes);
  const remainders = new LRUCache<string, Remainder>({
    maxSize,
    sizeCalculation: bytesOf,
    ttl,
    updateAgeOnGet: true,
  });
  const failures = new LRUCache<string, number>({ max: 1000, ttl, updateAgeOnGet: true });
  const snapshots = new LRUCache<string, string>({ max: 10_000, ttl: 60_000 });
  const joins = new LRUCache<string, true>({ max: 10_000, ttl: 60_000 });
  const delivered = new LRUCache<SessionKey, SyncToken>({ max: 10_000, ttl: 60_000 });
  const initialSyncs = new LRUCache<SessionKey, number>({ max: 10_000, ttl: 60 * 60_000 });
  const keyOf = (...parts: string[]) => JSON.stringify(parts);
  return {
    remainder: (session, token) => {
      const key = keyOf(session, token);
      const remainder = remainders.get(key);
      // Whoever takes it takes the pages on their way along: for a retry of the same token they are read again.
      if (remainder?.reading?.ahead !== undefined)
        remainders.set(key, withoutPagesAhead(remainder, remainder.reading));
      return remainder;
    },
    keepRemainder: (session, token, remainder) => void remainders.set(keyOf(session, token), remainder),
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
    meetingPoint: (session, roomId) =>
      joins.has(keyOf(session, roomId)) ? delivered.get(session) : undefined,
    initialSyncs: (session) => initialSyncs.get(session) ?? 0,
    countInitialSync: (session) => void initialSyncs.set(session, (initialSyncs.get(session) ?? 0) + 1),
    clear: () => {
      initialSyncs.clear();
      joins.clear();
      delivered.clear();
      snapshots.clear();
      remainders.clear();
      failures.clear();
    },
    get bytes() {
      return remainders.calculatedSize;
    },
  };
}

function withoutPagesAhead(remainder: Remainder, { ahead: _taken, ...reading }: Reading): Remainder {
  return { ...remainder, reading };
}

// Lists of events are shared by the remainders of one catch-up, so each is measured once.
const measured = new WeakMap<readonly RoomEvent[], number>();

function bytesOf({ rooms, reading }: Remainder): number {
  let bytes =
    BYTES_PER_ENTRY + sizeOf(reading?.pending ?? []) + (reading?.ahead === undefined ? 0 : BYTES_AHEAD);
  for (const room of rooms) bytes += BYTES_PER_ROOM + sizeOf(room.timeline);
  return bytes;
}

function sizeOf(events: readonly RoomEvent[]): number {
  if (events.length === 0) return 0;
  const known = measured.get(events);
  if (known !== undefined) return known;
  let bytes = 0;
  for (const event of events) bytes += sizeOfEvent(event);
  measured.set(events, bytes);
  return bytes;
}

/** A page's event keeps its part of the page, and is an object itself. */
const sizeOfEvent = (event: RoomEvent): number =>
  event instanceof WrittenEvent
    ? event.end - event.start + BYTES_PER_EVENT
    : JSON.stringify(event).length * 2;
