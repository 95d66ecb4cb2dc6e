import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { loopBudget, SENT } from '../scheduling/loop-budget.ts';

/**
 * A client's request body as undici wants one, without handing over the request itself.
 *
 * undici destroys the body it was given when the homeserver answers before all of it was sent, as with a 413. On the
 * request itself that would stop reading from the client's connection, which may be in the midst of sending and could
 * then neither read the answer nor be used again. Here the rest is read and dropped.
 */
class Upload extends EventEmitter {
  readonly #request: IncomingMessage;
  #isFlowing = false;
  /** Whether undici wants more, and whether it may come in this turn of the event loop. */
  #isWanted = false;
  #mayCome = true;
  readonly #passChunk = (chunk: Buffer) => {
    this.emit('data', chunk);
    if (this.#mayCome && !loopBudget.spend(chunk.length * SENT)) this.#awaitTurn();
  };
  readonly #passEnd = () => this.emit('end');

  constructor(request: IncomingMessage) {
    super();
    this.#request = request;
  }

  resume(): this {
    if (!this.#isFlowing) {
      this.#isFlowing = true;
      this.#request.on('data', this.#passChunk).on('end', this.#passEnd);
    }
    this.#isWanted = true;
    if (this.#mayCome) this.#request.resume();
    return this;
  }

  pause(): this {
    this.#isWanted = false;
    this.#request.pause();
    return this;
  }

  #awaitTurn(): void {
    this.#mayCome = false;
    this.#request.pause();
    loopBudget.whenLeft(() => {
      this.#mayCome = true;
      if (this.#isWanted) this.#request.resume();
    });
  }

  destroy(): this {
    this.#request.off('data', this.#passChunk).off('end', this.#passEnd).resume();
    return this;
  }

  /** Only marks it as a stream. */
  pipe(): never {
    throw new Error('an upload is read by its events');
  }
}

/** The body of a client's request for undici; undefined where the request has none. */
export function uploadOf(request: IncomingMessage): Readable | undefined {
  const { 'transfer-encoding': encoding, 'content-length': length } = request.headers;
  if (encoding === undefined && (length === undefined || Number(length) === 0)) return undefined;
  return new Upload(request) as unknown as Readable;
}
