import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Turns } from './turns.ts';

type Controller = Dispatcher.DispatchController;

/** A request's handler that holds a turn from its dispatch to its end. One that still waits can be aborted like any other. */
export class InTurn implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  #leave: (() => void) | undefined;
  #isOver = false;
  #isStarted = false;

  constructor(handler: Dispatcher.DispatchHandler) {
    this.#handler = handler;
  }

  enter(turns: Turns, sharer: string, dispatch: (handler: this) => unknown): void {
    const leave = turns.enter(
      sharer,
      () => {
        this.#isStarted = true;
        dispatch(this);
      },
      (error) => this.#fail(error),
    );
    this.#leave = leave;
    if (this.#isOver) leave();
    else if (!this.#isStarted) this.#handler.onRequestStart?.(this.#waitingController(), {});
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#handler.onRequestStart?.(controller, context);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, text?: string): void {
    this.#handler.onResponseStart?.(controller, status, headers, text);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: Controller, trailers: IncomingHttpHeaders): void {
    this.#end();
    this.#handler.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Controller, error: Error): void {
    this.#end();
    this.#handler.onResponseError?.(controller, error);
  }

  #end(): void {
    this.#isOver = true;
    this.#leave?.();
  }

  #fail(error: Error): void {
    if (this.#isOver || this.#isStarted) return;
    this.#end();
    this.#handler.onResponseError?.(this.#waitingController(), error);
  }

  /** Of a request that has not left yet: only `abort` means something. */
  #waitingController(): Controller {
    return {
      aborted: false,
      paused: false,
      reason: null,
      rawHeaders: null,
      rawTrailers: null,
      abort: (reason) => this.#fail(reason),
      pause: () => {},
      resume: () => {},
    };
  }
}
