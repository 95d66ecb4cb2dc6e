import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Turns } from '../scheduling/turns.ts';

type Controller = Dispatcher.DispatchController;

/** A request's handler that holds a turn from its dispatch to its end. One that still waits can be aborted like any other. */
export class InTurn implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #turns: Turns;
  readonly #sharer: string;
  /** Gives back the turn of a request that had to wait; else the turn is given back by the sharer's name. */
  #leave: (() => void) | undefined;
  #isOver = false;
  #isStarted = false;

  constructor(handler: Dispatcher.DispatchHandler, turns: Turns, sharer: string) {
    this.#handler = handler;
    this.#turns = turns;
    this.#sharer = sharer;
  }

  /** Calls `dispatch` when it is this one's turn, which is mostly at once. */
  enter(dispatch: (handler: this) => unknown): void {
    if (this.#turns.tryEnter(this.#sharer)) {
      this.#isStarted = true;
      dispatch(this);
      return;
    }
    this.#leave = this.#turns.ask(
      this.#sharer,
      () => {
        this.#isStarted = true;
        dispatch(this);
      },
      (error) => this.#fail(error),
    );
    this.#handler.onRequestStart?.(this.#waitingController(), {});
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
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#leave === undefined) this.#turns.leave(this.#sharer);
    else this.#leave();
  }

  #fail(error: Error): void {
    if (this.#isOver || this.#isStarted) return;
    this.#end();
    this.#handler.onResponseError?.(this.#waitingController(), error);
  }

  /** Returns the controller of a request that has not left yet, of which only `abort` makes sense. */
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
