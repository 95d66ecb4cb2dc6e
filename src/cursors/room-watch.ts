import { LRUCache } from 'lru-cache';
import type { Clock } from '../http/clock.ts';
import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';

/** Asks the homeserver, with the right of one session, whether a room has something newer than that session saw. */
export type Probe = (signal: AbortSignal) => Promise<boolean>;

/** Waiting for news of rooms for which a homeserver has no long poll. */
export interface RoomWatch {
  /** Resolves when the room may have news, when this probe cannot be asked, or after `atMostMs`. */
  wait(roomId: RoomId, probe: Probe, atMostMs: Milliseconds, signal: AbortSignal): Promise<void>;
  /** An event of the room was seen elsewhere: whoever waits for it looks at once. */
  announce(roomId: RoomId): void;
}

interface WatchedRoom {
  /** Those who wait, in the order in which they will be asked to probe. */
  waiting: Map<() => void, Probe>;
  periodMs: Milliseconds;
  stop: AbortController;
}

/** How much slower each silent period makes the next one. */
const SLOWING = 1.5;
const PERIODS_REMEMBERED = 10_000;

/**
 * One probe a period serves all sessions that wait for the same room: the bare fact that a room has news is shared,
 * what the news are each session asks for itself. The period is `fastestMs` after activity and grows in silence to
 * `slowestMs`. Sessions take turns, so that no one's right to read is all that the others hang on.
 */
export function createRoomWatch(options: {
  clock: Clock;
  fastestMs: Milliseconds;
  slowestMs: Milliseconds;
}): RoomWatch {
  const { clock, fastestMs, slowestMs } = options;
  const rooms = new Map<RoomId, WatchedRoom>();
  // A room's pace outlives the moments in which all its polls are between two answers.
  const periods = new LRUCache<RoomId, Milliseconds>({ max: PERIODS_REMEMBERED, ttl: 10 * 60_000 });

  async function watch(roomId: RoomId, room: WatchedRoom): Promise<void> {
    while (room.waiting.size > 0) {
      await clock.sleep(room.periodMs, room.stop.signal);
      const [turn] = room.waiting;
      if (turn === undefined) return;
      const [wake, probe] = turn;
      room.waiting.delete(wake);
      room.waiting.set(wake, probe);
      const hasNews = await probe(room.stop.signal).catch(() => undefined);
      // A probe that fails says something about its session only: that one finds out by itself.
      if (hasNews === undefined) wake();
      else if (hasNews) wakeAll(roomId, room);
      else setPeriod(roomId, room, Math.min(room.periodMs * SLOWING, slowestMs));
    }
  }

  function wakeAll(roomId: RoomId, room: WatchedRoom): void {
    setPeriod(roomId, room, fastestMs);
    for (const wake of room.waiting.keys()) wake();
  }

  function setPeriod(roomId: RoomId, room: WatchedRoom, periodMs: Milliseconds): void {
    room.periodMs = periodMs;
    periods.set(roomId, periodMs);
  }

  function enter(roomId: RoomId): WatchedRoom {
    const known = rooms.get(roomId);
    if (known !== undefined) return known;
    const periodMs = periods.get(roomId) ?? fastestMs;
    const room: WatchedRoom = { waiting: new Map(), periodMs, stop: new AbortController() };
    rooms.set(roomId, room);
    return room;
  }

  function leave(roomId: RoomId, room: WatchedRoom, wake: () => void): void {
    room.waiting.delete(wake);
    if (room.waiting.size > 0 || rooms.get(roomId) !== room) return;
    rooms.delete(roomId);
    room.stop.abort();
  }

  return {
    wait: async (roomId, probe, atMostMs, signal) => {
      signal.throwIfAborted();
      const room = enter(roomId);
      const over = new AbortController();
      const wake = () => over.abort();
      room.waiting.set(wake, probe);
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
  };
}
