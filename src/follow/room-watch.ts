import { LRUCache } from 'lru-cache';
import type { SessionKey } from '../caches/sessions.ts';
import { entriesIn } from '../caches/shares.ts';
import type { Clock } from '../scheduling/clock.ts';
import { createTurns } from '../scheduling/turns.ts';
import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';
import { ExpectedNews } from './expected-news.ts';

/** Asks the homeserver, with the right of one session, whether a room has something newer than a position. */
export type Probe = (signal: AbortSignal) => Promise<boolean>;

/** One poll that waits for news of a room. */
export interface Watcher {
  session: SessionKey;
  /**
   * Asks from a position that the homeserver had reached when the wait began. A position in the future would answer
   * "no news" for ever, for all who wait for the room.
   */
  probe: Probe;
}

/** Waiting for news of rooms for which a homeserver has no long poll. */
export interface RoomWatch {
  /** Resolves when the room may have news, when this watcher's probe cannot be asked, or after `atMostMs`. */
  wait(roomId: RoomId, watcher: Watcher, atMostMs: Milliseconds, signal: AbortSignal): Promise<void>;
  /** An event of the room was seen elsewhere: whoever waits for it looks at once. */
  announce(roomId: RoomId): void;
  /** News were made in the room, or in `any`, that may be visible in a moment: it is probed now, and soon again. */
  expect(roomId: RoomId | 'any'): void;
  /** How many bytes are remembered of rooms for which nobody waits now. */
  readonly bytes: number;
}

interface WatchedRoom {
  /** Those who wait, in the order in which they came. */
  waiting: Map<() => void, Watcher>;
  /** Sessions that had their turn, the one that had it longest ago first. */
  hadTurn: Set<SessionKey>;
  isOldestNext: boolean;
  periodMs: Milliseconds;
  news: ExpectedNews;
  stop: AbortController;
}

/** A room's pace is known whether or not somebody waits for the room. */
interface Pace {
  periodMs: Milliseconds;
  expectedAtMs?: Milliseconds;
}

/** How much slower each silent period makes the next one. */
const SLOWING = 1.5;
/** How much slower the slowest one may be where news are seen being made: it is only a net then. */
const SLOWING_WHERE_NEWS_ARE_SEEN = 3;
/** A room's id, two numbers, an object and the cache's own links. */
const BYTES_PER_ROOM = 400;
/** An eighth of the connections to the homeserver (`homeserver_connections`): other calls go on beside them. */
const MOST_PROBES_AT_ONCE = 64;
/** A client that opens a preview again within so long finds the room watched at the pace that suits it. */
const PACE_TTL_MS: Milliseconds = 10 * 60_000;

/**
 * One probe a period serves all sessions that wait for the same room: the bare fact that a room has news is shared,
 * what the news are each session asks for itself. The period is `fastestMs` after activity and grows in silence to
 * `slowestMs`.
 *
 * Every second probe is that of whoever waits longest: its position is behind all the others', so only its "no news"
 * counts for everybody and makes the period longer. The others go round by session, one turn each however many polls
 * it has, so that no one's right to read is all that the others hang on.
 *
 * A gateway that stands in front of everything sees news being made, and probes then (`expect`). As long as that finds what
 * there is, and no period does, the period may be longer.
 */
export function createRoomWatch(options: {
  maxBytes: number;
  clock: Clock;
  fastestMs: Milliseconds;
  slowestMs: Milliseconds;
}): RoomWatch {
  const { clock, fastestMs, slowestMs } = options;
  const rooms = new Map<RoomId, WatchedRoom>();
  // A room's pace outlives the moments in which all its polls are between two answers.
  const paces = new LRUCache<RoomId, Pace>({
    max: entriesIn(options.maxBytes, BYTES_PER_ROOM),
    ttl: PACE_TTL_MS,
  });
  const probes = createTurns({ most: MOST_PROBES_AT_ONCE, mostOfOne: MOST_PROBES_AT_ONCE });
  let areNewsSeen = false;

  async function watch(roomId: RoomId, room: WatchedRoom): Promise<void> {
    while (room.waiting.size > 0) {
      const isExpected = await room.news.untilProbe(room.periodMs, room.stop.signal);
      const turn = nextTurn(room);
      if (turn === undefined) return;
      const { wake, probe, isOldest } = turn;
      const end = await probes.enter(roomId, room.stop.signal);
      const hasNews = await probe(room.stop.signal)
        .catch(() => undefined)
        .finally(end);
      if (hasNews === true) areNewsSeen = isExpected;
      // A probe that fails says something about its session only: that one finds out by itself.
      if (hasNews === undefined) wake();
      else if (hasNews) wakeAll(roomId, room);
      else if (isOldest && !isExpected) slowDown(roomId, room);
    }
  }

  function expectIn(roomId: RoomId): void {
    const pace = paces.peek(roomId);
    if (pace !== undefined) pace.expectedAtMs = clock.now();
    const room = rooms.get(roomId);
    if (room === undefined) return;
    // Should it take longer than expected.
    setPeriod(roomId, room, fastestMs);
    room.news.expect();
  }

  function slowDown(roomId: RoomId, room: WatchedRoom): void {
    const slowest = areNewsSeen ? slowestMs * SLOWING_WHERE_NEWS_ARE_SEEN : slowestMs;
    setPeriod(roomId, room, Math.min(room.periodMs * SLOWING, slowest));
  }

  function wakeAll(roomId: RoomId, room: WatchedRoom): void {
    setPeriod(roomId, room, fastestMs);
    for (const wake of room.waiting.keys()) wake();
  }

  function setPeriod(roomId: RoomId, room: WatchedRoom, periodMs: Milliseconds): void {
    room.periodMs = periodMs;
    paces.set(roomId, { ...paces.peek(roomId), periodMs });
  }

  function enter(roomId: RoomId): WatchedRoom {
    const known = rooms.get(roomId);
    if (known !== undefined) return known;
    const pace: Pace = paces.get(roomId) ?? { periodMs: fastestMs };
    const room: WatchedRoom = {
      waiting: new Map(),
      hadTurn: new Set(),
      isOldestNext: true,
      periodMs: pace.periodMs,
      news: new ExpectedNews(clock, slowestMs, pace.expectedAtMs),
      stop: new AbortController(),
    };
    rooms.set(roomId, room);
    paces.set(roomId, pace);
    return room;
  }

  function leave(roomId: RoomId, room: WatchedRoom, wake: () => void): void {
    room.waiting.delete(wake);
    if (room.waiting.size > 0 || rooms.get(roomId) !== room) return;
    rooms.delete(roomId);
    room.stop.abort();
  }

  return {
    wait: async (roomId, watcher, atMostMs, signal) => {
      signal.throwIfAborted();
      const room = enter(roomId);
      const over = new AbortController();
      const wake = () => over.abort();
      room.waiting.set(wake, watcher);
      if (room.waiting.size === 1) void watch(roomId, room).catch(() => {});
      // Sleeping ends with the signal that comes first; only the caller's own is an error.
      await clock.sleep(atMostMs, AbortSignal.any([signal, over.signal])).catch(() => {});
      leave(roomId, room, wake);
      signal.throwIfAborted();
    },
    announce: (roomId) => {
      const room = rooms.get(roomId);
      if (room !== undefined) wakeAll(roomId, room);
    },
    expect: (roomId) => {
      if (roomId !== 'any') expectIn(roomId);
      else for (const { news } of rooms.values()) news.expectPerhaps();
    },
    get bytes() {
      return paces.size * BYTES_PER_ROOM;
    },
  };
}

/** Who probes next: whoever waits longest, and between two of its turns a session that had none, or had its longest ago. */
function nextTurn(room: WatchedRoom): { wake: () => void; probe: Probe; isOldest: boolean } | undefined {
  const [oldest] = room.waiting;
  if (oldest === undefined) return undefined;
  const { isOldestNext } = room;
  room.isOldestNext = !isOldestNext;
  const [wake, { session, probe }] = isOldestNext ? oldest : (leastServed(room) ?? oldest);
  room.hadTurn.delete(session);
  room.hadTurn.add(session);
  return { wake, probe, isOldest: wake === oldest[0] };
}

function leastServed({ waiting, hadTurn }: WatchedRoom): [() => void, Watcher] | undefined {
  const firstOf = new Map<SessionKey, [() => void, Watcher]>();
  for (const [wake, watcher] of waiting) {
    if (!hadTurn.has(watcher.session)) return [wake, watcher];
    if (!firstOf.has(watcher.session)) firstOf.set(watcher.session, [wake, watcher]);
  }
  for (const session of hadTurn) {
    const turn = firstOf.get(session);
    if (turn !== undefined) return turn;
    // Whoever left is forgotten.
    hadTurn.delete(session);
  }
  return undefined;
}
