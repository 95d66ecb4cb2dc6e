// How every answer of the gateway looks on the wire: the spelling of its header names, its length, and how one that is
// cut ends. What the homeserver answered is handed to Node as raw pairs, and none of this touches it.

import { ServerResponse } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';

/** An answer up to this size has a `Content-Length`, also where it is written in pieces: see `HOLD_MS`. */
export const HELD_BYTES = 256 * 1024;

/**
 * An answer's first bytes wait so long for its end. Clients of 2015 take the first chunk of a chunked body for all of it;
 * and as a client parses JSON whole, the first bytes of a longer answer are of no use to it before the last ones.
 */
export const HOLD_MS = 500;

type Callback = (error?: Error | null) => void;
type Head = { status: number; headers: OutgoingHttpHeaders };

/**
 * A client response looks on the wire as those of the homeservers of 2015.
 *
 * Header names have their usual capitals, JSON is `application/json` with nothing behind it. A body without a length is
 * held back until its end is known, `HELD_BYTES` are there or `HOLD_MS` have passed: a short one then has a length, and
 * one that fails before can still become an error of its own (nothing is sent, `headersSent` is false). An answer whose
 * end only the connection's end marks (HTTP/1.0) is reset when it is cut: a plain close would look like the whole body.
 *
 * @see docs/reference/clients.md#more-clients-through-hindsync (purple-matrix compares bytes, and reads one chunk)
 */
export class ClientResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  #head: Head | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;
  #added: readonly string[] = [];
  #tap: ((chunk: Buffer) => void) | undefined;

  /** Shows every byte of the body to somebody else, too, as it is written. */
  tap(see: (chunk: Buffer) => void): void {
    this.#tap = see;
  }

  /** Headers, in pairs, for whatever answer comes: the homeserver's, ours, an error. */
  addToHead(pairs: readonly string[]): void {
    this.#added = pairs;
  }

  override writeHead(status: number, reason?: unknown, given?: unknown): this {
    // Raw pairs are a passed-on answer's, as most are: they are written as they came.
    if (Array.isArray(given)) {
      this.#isOpen = true;
      const pairs = this.#added.length === 0 ? given : [...given, ...this.#added];
      return super.writeHead(status, reason as string | undefined, pairs as string[]);
    }
    const headers = given ?? reason;
    const named = toUsualHeaders(typeof headers === 'object' && headers !== null ? headers : {});
    addPairs(named, this.#added);
    if (this.#isOpen || this.headersSent) return super.writeHead(status, named);
    this.#discard();
    if (this.#hasLength(status, named)) {
      this.#isOpen = true;
      return super.writeHead(status, named);
    }
    this.#head = { status, headers: named };
    return this;
  }

  override setHeader(name: string, value: number | string | readonly string[]): this {
    return super.setHeader(toUsualName(name), toUsualValue(value));
  }

  override write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    this.#tap?.(bytesOf(chunk, encoding));
    if (this.#isOpen || this.destroyed) return this.#writeOn(chunk, encoding, callback);
    if (this.#head === undefined) this.writeHead(this.statusCode);
    if (this.#head === undefined) return this.#writeOn(chunk, encoding, callback);
    const done = [encoding, callback].find((each) => typeof each === 'function') as Callback | undefined;
    const isUsedAgain = done !== undefined;
    this.#hold(chunk, encoding, isUsedAgain);
    if (done !== undefined) process.nextTick(done, null);
    if (this.#heldBytes > HELD_BYTES) this.#open();
    else this.#timer ??= setTimeout(() => this.#openAsOneChunk(), HOLD_MS);
    return true;
  }

  override end(chunk?: unknown, encoding?: unknown, callback?: unknown): this {
    const head = this.#head;
    if (this.#tap !== undefined && chunk !== undefined && chunk !== null && typeof chunk !== 'function')
      this.#tap(bytesOf(chunk, encoding));
    if (this.#isOpen || this.destroyed || head === undefined) {
      this.#isOpen = true;
      return super.end(chunk, encoding as BufferEncoding, callback as () => void);
    }
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function')
      this.#hold(chunk, encoding, false);
    const body = Buffer.concat(this.#held);
    this.#discard();
    this.#isOpen = true;
    super.writeHead(head.status, { ...head.headers, 'Content-Length': body.length });
    const done = [chunk, encoding, callback].find((each) => typeof each === 'function');
    return super.end(body, done as (() => void) | undefined);
  }

  override flushHeaders(): void {
    this.#open();
    super.flushHeaders();
  }

  override destroy(error?: Error): this {
    this.#discard();
    const endsWithConnection = !this.chunkedEncoding && !this.hasHeader('content-length');
    if (this.headersSent && !this.writableFinished && endsWithConnection) this.socket?.resetAndDestroy();
    return super.destroy(error);
  }

  #writeOn(chunk: unknown, encoding: unknown, callback: unknown): boolean {
    return super.write(chunk, encoding as BufferEncoding, callback as Callback);
  }

  /** A writer that wants to know when its chunk has left may use the chunk's memory again: what is held is then a copy. */
  #hold(chunk: unknown, encoding: unknown, isUsedAgain: boolean): void {
    let bytes: Buffer;
    if (isUsedAgain && typeof chunk !== 'string') bytes = Buffer.from(chunk as Uint8Array);
    else bytes = bytesOf(chunk, encoding);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  /** Sends what is held, the head first; what follows goes out as it comes. */
  #open(): void {
    const head = this.#head;
    const held = this.#held;
    this.#discard();
    this.#isOpen = true;
    if (head === undefined || this.destroyed) return;
    super.writeHead(head.status, head.headers);
    for (const bytes of held) super.write(bytes);
  }

  /** Sends what is held as a single chunk, for clients that read one chunk alone. */
  #openAsOneChunk(): void {
    this.#held = [Buffer.concat(this.#held)];
    this.#open();
  }

  #discard(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#head = undefined;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #hasLength(status: number, headers: OutgoingHttpHeaders): boolean {
    const hasBody = this.req.method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304;
    return !hasBody || 'Content-Length' in headers || this.hasHeader('content-length');
  }
}

/** Returns what was written as bytes; bytes are not copied. */
function bytesOf(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  const { buffer, byteOffset, byteLength } = chunk as Uint8Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Pairs into headers; a name that comes twice has both values. */
function addPairs(headers: OutgoingHttpHeaders, pairs: readonly string[]): void {
  for (let i = 0; i < pairs.length; i += 2) {
    const [name = '', value = ''] = [pairs[i], pairs[i + 1]];
    const known = headers[name];
    headers[name] = known === undefined ? value : [known, value].flat().map(String);
  }
}

/** Headers → the same with the usual capitals, for answers that are made here. */
export function toUsualHeaders(headers: object): OutgoingHttpHeaders {
  const usual: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) usual[toUsualName(name)] = toUsualValue(value);
  return usual;
}

/** `content-type` → `Content-Type`. */
function toUsualName(name: string): string {
  return name
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join('-');
}

/** Fastify and some homeservers name a charset of JSON, which has but one; a C client of 2015 compares the whole value. */
function toUsualValue<Value>(value: Value): Value {
  const isJson = typeof value === 'string' && /^application\/json\s*(?:;|$)/i.test(value);
  return isJson ? ('application/json' as Value & string) : value;
}
