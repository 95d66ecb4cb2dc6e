import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { writeError } from '../http/error-handler.ts';
import { loopBudget, SENT } from '../scheduling/loop-budget.ts';
import { cut } from '../http/send.ts';
import { AnswerTooLate, explainPassingError, isStatus, OddStatus } from '../homeserver/network-errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { lengthOf, reasonOf } from './answer-head.ts';
import { toClientHeaders } from './headers.ts';

/** The gateway observes this of an exchange, when its head is there: by it sessions are forgotten and counted. */
export interface Answered {
  method: string;
  /** The URL as it was sent to the homeserver. */
  rawUrl: string;
  /**
   * The headers as they were sent to the homeserver, in pairs: they have the access token, so they are not for the
   * log.
   */
  headers: readonly string[];
  /** The homeserver's, or ours (502, 504) where it gave none. */
  status: number;
}

/** All exchanges of one sort share this. */
export interface Exchanging {
  /** How long the homeserver's head may take, once the request was sent; 0: any time. */
  headDeadlineMs: Milliseconds;
  onAnswered?: ((answered: Answered) => void) | undefined;
  /** Is told what undici says where the homeserver did not answer, or not whole. */
  onFailure?: ((error: Error, isCut: boolean) => void) | undefined;
}

/**
 * One request of a client and the homeserver's answer to it, streamed; what undici calls while it happens.
 *
 * Nothing is kept but what is on its way: a slow client pauses the homeserver's connection. A client that leaves ends
 * the homeserver's request, whenever it leaves. An answer that has begun and breaks off is cut, never ended.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #sent: Omit<Answered, 'status'>;
  readonly #response: ServerResponse;
  readonly #how: Exchanging;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  #hasClientLeft = false;
  /** The body's length by its header; -1 where it has none. */
  #length = -1;
  /** A body that came in one piece, sent together with its head. */
  #whole: Buffer | undefined;
  #sentAt = performance.now();
  #headTimer: NodeJS.Timeout | undefined;

  constructor(sent: Omit<Answered, 'status'>, response: ServerResponse, how: Exchanging) {
    this.#sent = sent;
    this.#response = response;
    this.#how = how;
    response.on('close', () => this.#onClientClosed());
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#hasClientLeft) controller.abort(new ClientLeft());
  }

  onRequestSent(): void {
    this.#sentAt = performance.now();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: unknown, text = ''): void {
    // 103 and the like are for the homeserver's neighbour: the real answer follows.
    if (status < 200) return this.#outlastInformation(controller);
    clearTimeout(this.#headTimer);
    if (!isStatus(status)) return controller.abort(new OddStatus());
    const headers = toClientHeaders(controller.rawHeaders as Buffer[]);
    this.#length = lengthOf(headers);
    this.#tell(status);
    this.#response.writeHead(status, reasonOf(status, text), headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (chunk.length === this.#length) {
      this.#whole = chunk;
      return;
    }
    const isTaken = this.#response.write(chunk);
    const isLeft = loopBudget.spend(chunk.length * SENT);
    if (isTaken && isLeft) return;
    controller.pause();
    const goOn = (): void => controller.resume();
    if (isTaken) loopBudget.whenLeft(goOn);
    // The kernel often takes it within the same turn.
    else this.#response.once('drain', () => (loopBudget.spend(0) ? goOn() : loopBudget.whenLeft(goOn)));
  }

  onResponseEnd(): void {
    this.#isOver = true;
    if (this.#whole === undefined) this.#response.end();
    // As a string of bytes Node joins it with the head into one write, which costs a third less than two.
    else if (this.#whole.length <= JOINED_LIMIT) this.#response.end(this.#whole.toString('latin1'), 'latin1');
    else this.#response.end(this.#whole);
  }

  onResponseError(_: unknown, error: Error): void {
    this.#isOver = true;
    clearTimeout(this.#headTimer);
    if (this.#hasClientLeft) return;
    this.#how.onFailure?.(error, this.#response.headersSent);
    if (this.#response.headersSent) {
      cut(this.#response);
      return;
    }
    const explained = explainPassingError(error);
    this.#tell(explained.status);
    writeError(this.#response, explained);
  }

  /** undici's deadline for the head begins anew with each 1xx: so from the first one on it is kept here. */
  #outlastInformation(controller: Dispatcher.DispatchController): void {
    const { headDeadlineMs } = this.#how;
    if (this.#headTimer !== undefined || !(headDeadlineMs > 0)) return;
    const leftMs = headDeadlineMs - (performance.now() - this.#sentAt);
    this.#headTimer = setTimeout(() => controller.abort(new AnswerTooLate()), Math.max(0, leftMs));
  }

  #tell(status: number): void {
    const { method, rawUrl, headers } = this.#sent;
    this.#how.onAnswered?.({ method, rawUrl, headers, status });
  }

  #onClientClosed(): void {
    if (this.#isOver) return;
    this.#hasClientLeft = true;
    this.#controller?.abort(new ClientLeft());
  }
}

/**
 * Bytes of a body up to which copying it costs less than a write of its own. (From 8 KB on it would cost more, were it not
 * that a process which ends most answers with a string ends others by a slower way.)
 */
const JOINED_LIMIT = 32 * 1024;

class ClientLeft extends Error {}
