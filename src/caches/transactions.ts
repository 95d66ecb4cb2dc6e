import { LRUCache } from 'lru-cache';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { entriesIn } from './shares.ts';

/** This memory holds what each transaction was answered with. */
export interface Transactions<Answer> {
  /**
   * Does the work of a transaction the first time; later, and meanwhile, its answer is given again. Failures are
   * forgotten.
   */
  once(transaction: string, work: () => Promise<Answer>): Promise<Answer>;
  readonly bytes: number;
}

/** About what an entry costs: its texts, the objects and the cache's own links. Measured: see docs/architecture.md. */
const BYTES_PER_ANSWER = 1024;
/** Synapse keeps the answer to a transaction id for as long at least. */
const ANSWER_TTL_MS: Milliseconds = 30 * 60_000;

/** Builds the memory of transactions that the homeserver does not keep, bounded in bytes. */
export function createTransactions<Answer>(options: {
  maxBytes: number;
  ttlMs?: Milliseconds;
}): Transactions<Answer> {
  const answers = new LRUCache<string, { answer: Promise<Answer> }>({
    max: entriesIn(options.maxBytes, BYTES_PER_ANSWER),
    ttl: options.ttlMs ?? ANSWER_TTL_MS,
  });
  return {
    once: (transaction, work) => {
      const known = answers.get(transaction);
      if (known !== undefined) return known.answer;
      const entry = { answer: work() };
      answers.set(transaction, entry);
      entry.answer.catch(() => {
        if (answers.peek(transaction) === entry) answers.delete(transaction);
      });
      return entry.answer;
    },
    get bytes() {
      return answers.size * BYTES_PER_ANSWER;
    },
  };
}
