import { LRUCache } from 'lru-cache';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { entriesIn } from './shares.ts';

/** This memory holds the transaction ids of sends whose answers did not reach their clients, by what was sent. */
export interface LostSends {
  /** Takes out the transaction id to repeat a send with; undefined where no equal send was lost lately. */
  take(send: string): string | undefined;
  keep(send: string, txnId: string): void;
  readonly bytes: number;
}

/** About what an entry costs: its texts, the objects and the cache's own links. Measured: see docs/architecture.md. */
const BYTES_PER_SEND = 768;
/** A client repeats a send whose answer it missed within seconds, or when its network is back; later people send anew. */
const SEND_TTL_MS: Milliseconds = 5 * 60_000;

/**
 * Builds the memory that makes a send without a transaction id safe to repeat.
 *
 * Only what was lost is remembered: who says the same twice, and had an answer to the first, has said it twice. Where
 * the memory itself is lost, a repeated send is a second one, as it was in 2014.
 */
export function createLostSends(options: { maxBytes: number; ttlMs?: Milliseconds }): LostSends {
  const txnIds = new LRUCache<string, string>({
    max: entriesIn(options.maxBytes, BYTES_PER_SEND),
    ttl: options.ttlMs ?? SEND_TTL_MS,
  });
  return {
    take: (send) => {
      const txnId = txnIds.get(send);
      txnIds.delete(send);
      return txnId;
    },
    keep: (send, txnId) => void txnIds.set(send, txnId),
    get bytes() {
      return txnIds.size * BYTES_PER_SEND;
    },
  };
}
