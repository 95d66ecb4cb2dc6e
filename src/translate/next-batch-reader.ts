import type { SyncToken } from '../matrix/identifiers.ts';
import { OBJECT_START } from '../stream/json-bytes.ts';
import type { JsonPath, JsonStep, JsonVisitor } from '../stream/json-reader.ts';
import { UnreadableAnswer } from './checked-event.ts';

/** An answer of `/sync`, value by value → its `next_batch`, and nothing else. */
export class NextBatchReader implements JsonVisitor {
  #nextBatch: unknown;

  finish(): SyncToken {
    if (typeof this.#nextBatch !== 'string' || this.#nextBatch === '')
      throw new UnreadableAnswer('the answer has no next_batch');
    return this.#nextBatch as SyncToken;
  }

  visit(path: JsonPath, first: number): JsonStep {
    if (path.length > 0) return path[0] === 'next_batch' ? 'take' : 'skip';
    if (first !== OBJECT_START) throw new UnreadableAnswer('the answer is no object');
    return 'enter';
  }

  take(_path: JsonPath, bytes: Buffer): void {
    this.#nextBatch = JSON.parse(bytes.toString());
  }

  leave(): void {}
}
