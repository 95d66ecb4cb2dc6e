import type { RoomVisibility, Visibilities } from '../caches/visibility.ts';
import type { Clock } from '../http/clock.ts';
import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';

/** The visibilities that one answer needs. */
export interface VisibilityWait {
  /** Asks for rooms that will be needed, without waiting. */
  askAhead(rooms: readonly RoomId[]): void;
  /** What has not come within what is left of the answer's patience is `private`. */
  of(roomId: RoomId): Promise<RoomVisibility>;
}

/** For an answer that stands still at most `budgetMs`, in all, for its rooms' visibilities. */
export function createVisibilityWait(options: {
  visibilities: Visibilities;
  budgetMs: Milliseconds;
  clock: Clock;
  signal: AbortSignal;
}): VisibilityWait {
  const { visibilities, clock, signal } = options;
  let leftMs = options.budgetMs;
  const ask = (roomId: RoomId): Promise<RoomVisibility> =>
    visibilities.of(roomId).catch(() => 'private' as const);
  return {
    askAhead: (rooms) => {
      for (const roomId of rooms) void ask(roomId);
    },
    of: async (roomId) => {
      const known = visibilities.peek(roomId);
      if (known !== undefined) return known;
      if (leftMs <= 0) return 'private';
      const startedAt = clock.now();
      const over = new AbortController();
      const tooLate = clock.sleep(leftMs, AbortSignal.any([signal, over.signal])).then(
        () => 'private' as const,
        () => 'private' as const,
      );
      const visibility = await Promise.race([ask(roomId), tooLate]);
      over.abort();
      leftMs -= clock.now() - startedAt;
      return visibility;
    },
  };
}
