import type { RoomVisibility, Visibilities } from '../../caches/visibility.ts';
import type { Clock } from '../../scheduling/clock.ts';
import type { Turns } from '../../scheduling/turns.ts';
import { isRefusal } from '../../matrix/errors.ts';
import type { Milliseconds, RoomId } from '../../matrix/identifiers.ts';

/** The visibilities that one answer needs. */
export interface VisibilityWait {
  /** Asks for rooms that will be needed, without waiting, until the client leaves. */
  askAhead(rooms: readonly RoomId[]): void;
  /** The room's, which is asked for before all others; undefined where it cannot be had in what is left of the budget. */
  of(roomId: RoomId): Promise<RoomVisibility | undefined>;
}

/** An answer needs these to find out its rooms' visibilities. */
export interface VisibilityOptions {
  visibilities: Visibilities;
  /** The turns of all answers together; each answer is an owner. */
  visibilityTurns: Turns;
  clock: Clock;
}

/** Rooms that one answer asks for at once. */
const ROOMS_AT_A_TIME = 4;

/** Finds visibilities for an answer that waits at most `budgetMs`, in all, for them. */
export function createVisibilityWait(
  options: VisibilityOptions & { budgetMs: Milliseconds; signal: AbortSignal },
): VisibilityWait {
  const { visibilities, visibilityTurns, clock, signal } = options;
  const owner = {};
  /** The rooms in the order in which they will be asked for. */
  const ahead = new Set<RoomId>();
  const needed = new Map<RoomId, () => void>();
  let asking = 0;
  let leftMs = options.budgetMs;

  /** Asks for one room after the other. Which one is decided when its turn has come, as another may be needed first. */
  async function askInTurn(): Promise<void> {
    asking += 1;
    try {
      while (needed.size > 0 || ahead.size > 0) {
        const end = await visibilityTurns.enter(owner, signal);
        await askNext().finally(end);
      }
    } finally {
      asking -= 1;
    }
  }

  async function askNext(): Promise<void> {
    const [first] = needed.size > 0 ? needed.keys() : ahead;
    if (first === undefined) return;
    const tell = needed.get(first);
    needed.delete(first);
    ahead.delete(first);
    // What cannot be had is not known, to this answer.
    if (visibilities.peek(first) === undefined) await visibilities.of(first).catch(() => {});
    tell?.();
  }

  function askMore(): void {
    const wanted = Math.min(ROOMS_AT_A_TIME, needed.size + ahead.size);
    while (asking < wanted) void askInTurn().catch(() => {});
  }

  return {
    askAhead: (rooms) => {
      for (const roomId of rooms) if (visibilities.peek(roomId) === undefined) ahead.add(roomId);
      askMore();
    },
    of: async (roomId) => {
      const known = visibilities.peek(roomId);
      if (known !== undefined || leftMs <= 0) return known;
      const startedAt = clock.now();
      const over = new AbortController();
      needed.set(roomId, () => over.abort());
      askMore();
      await clock.sleep(leftMs, AbortSignal.any([signal, over.signal])).catch(() => {});
      needed.delete(roomId);
      leftMs -= clock.now() - startedAt;
      return visibilities.peek(roomId);
    },
  };
}

/**
 * A room of which the directory tells nobody is published nowhere. Throws what is no refusal of the homeserver: an error page
 * of a proxy before it says nothing of the room.
 */
export function privateIfRefused(error: unknown): RoomVisibility {
  if (isRefusal(error) && error.errcode !== 'M_UNKNOWN') return 'private';
  throw error;
}
