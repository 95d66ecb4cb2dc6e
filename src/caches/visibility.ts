import { LRUCache } from 'lru-cache';
import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';
import { entriesIn } from './shares.ts';

export type RoomVisibility = 'public' | 'private';

/** Whether rooms are published in the room directory: the homeserver tells anybody, so it is remembered for all users. */
export interface Visibilities {
  /** Returns what is remembered, else asks; who asks meanwhile waits for the same answer. Failures are not remembered. */
  of(roomId: RoomId): Promise<RoomVisibility>;
  /** Returns what is remembered, without asking. */
  peek(roomId: RoomId): RoomVisibility | undefined;
  readonly bytes: number;
}

/** About what an entry costs: its texts, the objects and the cache's own links. Measured: see docs/architecture.md. */
const BYTES_PER_ROOM = 512;
/** Rooms are seldom published or withdrawn; so much later every client sees that they were. */
const VISIBILITY_TTL_MS: Milliseconds = 2 * 60_000;

/** Builds the memory of visibilities, bounded in bytes. `ask` asks the homeserver. */
export function createVisibilities(options: {
  maxBytes: number;
  ask: (roomId: RoomId) => Promise<RoomVisibility>;
  ttlMs?: Milliseconds;
}): Visibilities {
  const rooms = new LRUCache<RoomId, RoomVisibility>({
    max: entriesIn(options.maxBytes, BYTES_PER_ROOM),
    ttl: options.ttlMs ?? VISIBILITY_TTL_MS,
  });
  const asked = new Map<RoomId, Promise<RoomVisibility>>();

  async function ask(roomId: RoomId): Promise<RoomVisibility> {
    try {
      const visibility = await options.ask(roomId);
      rooms.set(roomId, visibility);
      return visibility;
    } finally {
      asked.delete(roomId);
    }
  }

  return {
    of: async (roomId) => {
      const known = rooms.get(roomId) ?? asked.get(roomId);
      if (known !== undefined) return known;
      const answer = ask(roomId);
      asked.set(roomId, answer);
      return answer;
    },
    peek: (roomId) => rooms.peek(roomId),
    get bytes() {
      return rooms.size * BYTES_PER_ROOM;
    },
  };
}
