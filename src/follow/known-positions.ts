import { LRUCache } from 'lru-cache';
import { entriesIn } from '../caches/shares.ts';
import type { SyncToken } from '../matrix/identifiers.ts';
import type { ReadNow } from './now.ts';

/** Positions that the homeserver itself told this process: none of them lies in the future. */
export interface KnownPositions {
  /** Reads the newest position, which is known from then on. */
  readNow: ReadNow;
  /** Tells whether the homeserver told this position lately. A client may have invented any other. */
  has(position: SyncToken): boolean;
  readonly bytes: number;
}

/** A position, which may be long, and the cache's own links. */
const BYTES_PER_POSITION = 400;

/** Remembers what `readNow` tells. A position that is forgotten costs one more reading of *now*, and nothing else. */
export function rememberPositions(readNow: ReadNow, options: { maxBytes: number }): KnownPositions {
  const known = new LRUCache<SyncToken, true>({ max: entriesIn(options.maxBytes, BYTES_PER_POSITION) });
  return {
    readNow: async (...asked) => {
      const position = await readNow(...asked);
      known.set(position, true);
      return position;
    },
    has: (position) => known.has(position),
    get bytes() {
      return known.size * BYTES_PER_POSITION;
    },
  };
}
