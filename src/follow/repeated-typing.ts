import { LRUCache } from 'lru-cache';
import type { SessionKey } from '../caches/sessions.ts';
import type { SyncToken } from '../matrix/identifiers.ts';
import type { StreamUpdate, WrittenEphemeral } from '../translate/events.ts';

/** Takes out of an update from `since` the typing that a session was told before. */
export type WithoutRepeatedTyping = (
  session: SessionKey,
  update: StreamUpdate,
  since: SyncToken,
) => StreamUpdate;

/** Remembers what was told of typing, by session and room. */
export interface TypingMemory {
  withoutRepeats: WithoutRepeatedTyping;
  readonly bytes: number;
}

/** An object, a position, and the cache's own links; texts come on top. */
const BYTES_PER_ROOM = 400;

/**
 * Takes out the `m.typing` that some homeservers send again with each answer, which would wake every poll at once.
 *
 * The first answer that has it keeps it, also when its position is asked again: typing is told at least once.
 *
 *
 *
 * @see docs/reference/homeservers.md#sync
 */
export function createTypingMemory(options: { maxBytes: number }): TypingMemory {
  const told = new LRUCache<string, { who: string; since: SyncToken }>({
    maxSize: Math.max(1, options.maxBytes),
    sizeCalculation: ({ who }, key) => BYTES_PER_ROOM + 2 * (key.length + who.length),
  });
  const withoutRepeats: WithoutRepeatedTyping = (session, update, since) => {
    const isNew = ({ type, roomId, bytes }: WrittenEphemeral): boolean => {
      if (type !== 'm.typing') return true;
      const key = JSON.stringify([session, roomId]);
      const who = bytes.toString();
      const last = told.get(key);
      if (last?.who === who) return last.since === since;
      told.set(key, { who, since });
      return true;
    };
    return { ...update, ephemeral: update.ephemeral.filter(isNew) };
  };
  return {
    withoutRepeats,
    get bytes() {
      return told.calculatedSize;
    },
  };
}
