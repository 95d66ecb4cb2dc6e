import { isIP } from 'node:net';
import { buildConnector, Pool } from 'undici';
import type { Dispatcher } from 'undici';

/** The homeserver's address, taken apart once: what every request to it needs. */
export interface Connections {
  /** `http://host:port`, without a path; a made-up host for a Unix socket. */
  readonly origin: string;
  /** Parked requests, which hold a connection each and may be many. */
  readonly longPolls: Pool;
  /** Everything else, so that no number of parked polls delays it. */
  readonly rest: Pool;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/**
 * Opens the two pools to the one homeserver that is ever contacted.
 *
 * `url` is `http(s)://host:port` or `unix:/path`. TLS is verified. Neither pool bounds its connections: a client
 * waits for the homeserver, never for another client. Deadlines are the caller's, as signals, so undici has none.
 */
export function connectTo(url: string): Connections {
  const socketPath = url.startsWith('unix:') ? url.slice('unix:'.length) : undefined;
  const origin = socketPath === undefined ? new URL(url).origin : 'http://localhost';
  const connect = buildConnector({
    timeout: 10_000,
    rejectUnauthorized: true,
    // HTTP/2 would not give raw headers; no homeserver speaks it, only a reverse proxy before one might.
    allowH2: false,
    ...(socketPath !== undefined && { socketPath }),
  });
  const openPool = () =>
    new HomeserverPool(origin, {
      connections: null,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 64 * 1024,
      allowH2: false,
      connect: (options, callback) =>
        // An IP address is verified as one: it is no server name (RFC 6066).
        connect({ ...options, ...(isIP(options.servername ?? '') !== 0 && { servername: '' }) }, callback),
    });
  const longPolls = openPool();
  const rest = openPool();
  return {
    origin,
    longPolls,
    rest,
    close: async () => {
      await Promise.all([longPolls.close(), rest.close()]);
    },
    destroy: async () => {
      await Promise.all([longPolls.destroy(), rest.destroy()]);
    },
  };
}

/**
 * Requests that carry the client's `Host`, over TLS that is verified for the homeserver's own name.
 *
 * Left alone, undici takes the name to verify from each request's `Host`, so that a client could choose it, and
 * opens the connection anew whenever it changes.
 */
class HomeserverPool extends Pool {
  readonly #servername: string;

  constructor(origin: string, options: Pool.Options) {
    super(origin, options);
    this.#servername = new URL(origin).hostname.replace(/^\[|\]$/g, '');
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const named = { ...options, servername: this.#servername };
    return super.dispatch(named, handler);
  }
}
