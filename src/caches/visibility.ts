import { LRUCache } from 'lru-cache';
import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';

export type RoomVisibility = 'public' | 'private';

/** Whether rooms are published in the room directory: the homeserver tells anybody, so it is remembered for all users. */
export interface Visibilities {
  /** As remembered, else asked for; whoever asks meanwhile waits for the same answer. Failures are not remembered. */
  of(roomId: RoomId): Promise<RoomVisibility>;
  /** Only what is remembered. */
  peek(roomId: RoomId): RoomVisibility | undefined;
}

const BYTES_PER_ROOM = 256;

/** The memory of visibilities, bounded in bytes. `ask` is what it costs to find out. */
export function createVisibilities(options: {
  maxBytes: number;
  ask: (roomId: RoomId) => Promise<RoomVisibility>;
  ttlMs?: Milliseconds;
}): Visibilities {
  const rooms = new LRUCache<RoomId, RoomVisibility>({
    max: Math.max(1, Math.floor(options.maxBytes / BYTES_PER_ROOM)),
    ttl: options.ttlMs ?? 2 * 60_000,
    fetchMethod: options.ask,
  });
  return {
    of: async (roomId) => (await rooms.fetch(roomId)) ?? 'private',
    peek: (roomId) => rooms.peek(roomId),
  };
}
