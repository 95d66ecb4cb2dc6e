import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

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
  readonly #passChunk = (chunk: Buffer) => this.emit('data', chunk);
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
    this.#request.resume();
    return this;
  }

  pause(): this {
    this.#request.pause();
    return this;
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
