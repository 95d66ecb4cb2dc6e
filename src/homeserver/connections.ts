import { isIP } from 'node:net';
import { buildConnector, interceptors } from 'undici';
import type { Dispatcher } from 'undici';
import { HomeserverUnavailable } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { HomeserverPool } from './homeserver-pool.ts';
import { createTurns } from '../scheduling/turns.ts';

/** The homeserver's address, taken apart once: what every request to it needs. */
export interface Connections {
  /** `http://host:port`, without a path; for a Unix socket the host is a placeholder. */
  readonly origin: string;
  /** Requests that may be parked, and may be many: our own, and those that are passed on. */
  readonly longPolls: Dispatcher;
  /** All others that are passed on. */
  readonly rest: Dispatcher;
  /** The two dispatchers for our own calls, which understand whatever encoding an answer has. */
  readonly own: { readonly longPolls: Dispatcher; readonly rest: Dispatcher };
  /** The `Host` for a request, given its client's; undefined: that of the homeserver's URL. */
  hostFor(clientHost: string | undefined): string | undefined;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

export interface ConnectionLimits {
  /** Prefixes of paths that clients may ask for, beside those of our own calls. */
  passPaths?: readonly string[];
  /** `client`: what the client said; `homeserver_url`; else a name. */
  hostHeader?: string;
  /** Connections for parked requests. */
  mostPolls?: number;
  /** Connections for all else. */
  most?: number;
  /** How long a request waits for a connection. */
  waitMs?: Milliseconds;
  /** Is called for each request that got no connection. */
  onRefused?: () => void;
}

/** undici's own default: three attempts of TCP, after 1, 3 and 7 s. */
const CONNECT_TIMEOUT_MS: Milliseconds = 10_000;
/**
 * Answers may have as large headers as clients may send (`defaultLimits` of http/limits.ts); Node's 16 KiB is less
 * than some single sign-on needs.
 */
const MOST_HEADER_BYTES = 64 * 1024;
/** A session has at least so many, even where few connections may be open: it asks more than one thing at a time. */
const LEAST_OF_A_SESSION = 4;

/** Our own calls stay below these paths. */
const OWN_PATHS = ['/_matrix/client/', '/_matrix/federation/v1/version'];

/**
 * Opens the pools to the one homeserver that is ever contacted.
 *
 * `url` is `http(s)://host:port` or `unix:/path`. TLS is verified. Each pool has a bound: polls their own, and of all else a
 * quarter is for our own calls, so that nobody's requests keep a `whoami` waiting. Of what is passed on, one client's address
 * has at most half, and one access token an eighth: many sit behind one address. Deadlines are the caller's, as signals, so undici has none.
 */
export function connectTo(url: string, limits: ConnectionLimits = {}): Connections {
  const { passPaths = [], hostHeader = 'client', mostPolls = 16_384, most = 512, waitMs = 30_000 } = limits;
  const socketPath = url.startsWith('unix:') ? url.slice('unix:'.length) : undefined;
  const origin = socketPath === undefined ? new URL(url).origin : 'http://localhost';
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    rejectUnauthorized: true,
    // HTTP/2 would not give raw headers; no homeserver speaks it, only a reverse proxy before one might.
    allowH2: false,
    ...(socketPath !== undefined && { socketPath }),
  });
  const allowed = [...OWN_PATHS, ...passPaths];
  const refusal = (): HomeserverUnavailable => {
    limits.onRefused?.();
    return new HomeserverUnavailable(503, 'Too many requests are under way to the homeserver');
  };
  const turns = { waitMs, refusal };
  const openPool = (connections: number) =>
    new HomeserverPool(
      origin,
      {
        connections: null,
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
        maxHeaderSize: MOST_HEADER_BYTES,
        allowH2: false,
        connect: (options, callback) =>
          // An IP address is verified as one: it is no server name (RFC 6066).
          connect({ ...options, ...(isIP(options.servername ?? '') !== 0 && { servername: '' }) }, callback),
      },
      {
        allowed,
        turns: createTurns({
          ...turns,
          most: connections,
          mostOfOne: (sharer) => (sharer === '' ? connections : Math.ceil(connections / 2)),
        }),
        sessionTurns: createTurns({
          ...turns,
          most: Infinity,
          mostOfOne: Math.max(LEAST_OF_A_SESSION, Math.ceil(connections / 8)),
        }),
      },
    );
  const ownShare = Math.ceil(most / 4);
  const longPolls = openPool(mostPolls);
  const rest = openPool(Math.max(1, most - ownShare));
  const ownRest = openPool(ownShare);
  const decompress = interceptors.decompress({ skipErrorResponses: false });
  const pools = [longPolls, rest, ownRest];
  return {
    origin,
    longPolls,
    rest,
    own: { longPolls: longPolls.compose(decompress), rest: ownRest.compose(decompress) },
    hostFor: (clientHost) => {
      if (hostHeader === 'client') return clientHost;
      return hostHeader === 'homeserver_url' ? undefined : hostHeader;
    },
    close: async () => void (await Promise.all(pools.map((pool) => pool.close()))),
    destroy: async () => void (await Promise.all(pools.map((pool) => pool.destroy()))),
  };
}
