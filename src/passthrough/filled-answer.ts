import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { HELD_BYTES } from '../http/client-response.ts';
import { Exchange, type Answered, type Exchanging } from './exchange.ts';

/** A filler changes the body of an answer while it comes. */
export interface BodyFiller {
  /** The bytes of a piece → what there is to send for them. */
  push(chunk: Buffer): Buffer[];
  /** Returns what was held back, as no more comes. */
  end(): Buffer[];
}

/**
 * An exchange whose answer, where it is a 200, goes through a filler. Everything else about it is passed on, but the
 * body's length, which is another one. A body that the homeserver has packed is left as it is.
 *
 * A short body is sent with its length. One that by its header is long is sent while it comes; where no header says, its
 * first 256 KB are waited for, which the homeserver sends in one go once it begins.
 */
export class FilledExchange extends Exchange {
  readonly #filler: BodyFiller;
  #isFilled = false;
  /** The head of an answer while it is held, and what came of its body. */
  #head: { rawHeaders: Buffer[]; status: number; text: string } | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #controller: Dispatcher.DispatchController | undefined;

  constructor(sent: Omit<Answered, 'status'>, response: ServerResponse, filler: BodyFiller, how: Exchanging) {
    super(sent, response, how);
    this.#filler = filler;
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: unknown,
    text = '',
  ): void {
    const rawHeaders = controller.rawHeaders as Buffer[];
    if (status !== 200 || !isPlain(valueOf(rawHeaders, 'content-encoding'))) {
      super.onResponseStart(controller, status, headers, text);
      return;
    }
    this.#isFilled = true;
    this.#controller = controller;
    this.#head = { rawHeaders: withoutLength(rawHeaders), status, text };
    if (Number(valueOf(rawHeaders, 'content-length') ?? 0) > HELD_BYTES) this.#release();
  }

  override onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#send(controller, this.#isFilled ? this.#filler.push(chunk) : [chunk]);
  }

  #send(controller: Dispatcher.DispatchController, filled: readonly Buffer[]): void {
    for (const piece of filled) {
      if (piece.length === 0) continue;
      if (this.#head === undefined) {
        super.onResponseData(controller, piece);
        continue;
      }
      this.#held.push(piece);
      this.#heldBytes += piece.length;
      if (this.#heldBytes > HELD_BYTES) this.#release();
    }
  }

  override onResponseEnd(): void {
    if (this.#controller !== undefined) this.#send(this.#controller, this.#filler.end());
    this.#head?.rawHeaders.push(Buffer.from('Content-Length'), Buffer.from(String(this.#heldBytes)));
    this.#release();
    super.onResponseEnd();
  }

  /** Sends the head, and what was held of the body. */
  #release(): void {
    const head = this.#head;
    const controller = this.#controller;
    if (head === undefined || controller === undefined) return;
    this.#head = undefined;
    controller.rawHeaders = head.rawHeaders;
    super.onResponseStart(controller, head.status, undefined, head.text);
    if (this.#heldBytes > 0) super.onResponseData(controller, Buffer.concat(this.#held, this.#heldBytes));
    this.#held = [];
  }
}

const isPlain = (encoding: string | undefined): boolean =>
  encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity';

function valueOf(rawHeaders: readonly Buffer[], name: string): string | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toString('latin1').toLowerCase() === name)
      return rawHeaders[i + 1]?.toString('latin1');
  }
  return undefined;
}

function withoutLength(rawHeaders: readonly Buffer[]): Buffer[] {
  return rawHeaders.filter(
    (_, i) => rawHeaders[i - (i % 2)]?.toString('latin1').toLowerCase() !== 'content-length',
  );
}
