import { Pool } from 'undici';

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
  const openPool = () =>
    new Pool(origin, {
      connections: null,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 64 * 1024,
      connect: { timeout: 10_000, rejectUnauthorized: true, ...(socketPath !== undefined && { socketPath }) },
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
