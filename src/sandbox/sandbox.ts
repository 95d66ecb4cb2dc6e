// The embedded homeserver: small, in memory, of Synapse's sort. For the demo and the tests; it is not a product.

import type { FastifyInstance } from 'fastify';
import type { AccessToken, Milliseconds } from '../matrix/identifiers.ts';
import { SandboxHomeserver } from './homeserver.ts';
import { createHttpServer, createRoutes } from './http.ts';
import type { Route } from './routes/route.ts';

export interface SandboxOptions {
  /** 0, the default: any free one. */
  port?: number;
  host?: string;
  serverName?: string;
  /** Milliseconds since 1970: the time at which events are sent. */
  now?: () => Milliseconds;
  /** The sandbox's routes → those that it serves instead: how the tests make it behave as other homeservers do. */
  changeRoutes?: (routes: readonly Route[], homeserver: SandboxHomeserver) => readonly Route[];
  /** Adds hooks to the HTTP server before it listens, again after each restart. */
  prepare?: (app: FastifyInstance) => void;
}

export interface Sandbox {
  /** `http://host:port`, without a slash at the end; the same after a restart. */
  readonly url: string;
  readonly homeserver: SandboxHomeserver;
  /** The access tokens of sessions that are not logged out. */
  readonly accessTokens: AccessToken[];
  /** Cuts all connections and refuses new ones. What is known stays. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a homeserver of its own, empty, and resolves when it listens. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = '127.0.0.1', serverName = 'sandbox.test', now = Date.now } = options;
  const homeserver = new SandboxHomeserver({ serverName, now });
  const own = createRoutes(homeserver);
  const routes = options.changeRoutes?.(own, homeserver) ?? own;
  let app: FastifyInstance | undefined;
  const start = async (port: number): Promise<string> => {
    app = createHttpServer(homeserver, routes, options.prepare);
    return app.listen({ port, host });
  };
  const stop = async (): Promise<void> => {
    await app?.close();
    app = undefined;
  };
  const url = await start(options.port ?? 0);

  return {
    url,
    homeserver,
    get accessTokens() {
      return [...homeserver.sessions.keys()];
    },
    stop,
    restart: async () => {
      await stop();
      await start(Number(new URL(url).port));
    },
    close: stop,
  };
}
