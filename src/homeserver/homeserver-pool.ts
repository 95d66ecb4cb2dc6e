import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { isBelow, pathOf } from '../http/raw-url.ts';
import { hasDotSegment } from '../matrix/dot-segments.ts';
import { unrecognized } from '../matrix/errors.ts';
import type { Turns } from '../scheduling/turns.ts';
import { InTurn } from './in-turn.ts';

/** A request for the homeserver. */
export interface OutgoingRequest extends Dispatcher.DispatchOptions {
  /**
   * The request takes a connection of this one's share: for what is passed on, of the client's address. Our own calls
   * have none.
   */
  sharer?: string;
  /** The access token that a passed request shows, if any: each has its part of that share. */
  session?: string | undefined;
}

/**
 * The one way out: what is asked is checked here, whoever built it, and waits for its turn.
 *
 * Requests may carry the client's `Host`, over TLS that is verified for the homeserver's own name. Left alone, undici takes
 * the name to verify from each request's `Host`, so that a client could choose it, and opens the connection anew whenever it
 * changes.
 */
export class HomeserverPool extends Pool {
  readonly #servername: string;
  readonly #allowed: readonly string[];
  readonly #turns: Turns;
  readonly #sessionTurns: Turns;

  constructor(
    origin: string,
    options: Pool.Options,
    { allowed, turns, sessionTurns }: { allowed: readonly string[]; turns: Turns; sessionTurns: Turns },
  ) {
    super(origin, options);
    this.#servername = new URL(origin).hostname.replace(/^\[|\]$/g, '');
    this.#allowed = allowed;
    this.#turns = turns;
    this.#sessionTurns = sessionTurns;
  }

  /** Throws 404 for a path that may not be asked for. */
  override dispatch(options: OutgoingRequest, handler: Dispatcher.DispatchHandler): boolean {
    const rawPath = pathOf(options.path);
    if (!isBelow(this.#allowed, rawPath) || hasDotSegment(rawPath)) throw unrecognized();
    const request = { ...options, servername: this.#servername };
    const { sharer = '', session } = options;
    const enter = (one: Dispatcher.DispatchHandler): void =>
      new InTurn(one, this.#turns, sharer).enter((inTurn) => super.dispatch(request, inTurn));
    if (session === undefined) enter(handler);
    else new InTurn(handler, this.#sessionTurns, session).enter(enter);
    return true;
  }
}
