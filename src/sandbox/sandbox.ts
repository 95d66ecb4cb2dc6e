// The embedded homeserver: small, in memory, of Synapse's sort. For the demo and the tests; it is not a product.

import type { FastifyInstance } from 'fastify';
import type { AccessToken, Milliseconds } from '../matrix/identifiers.ts';
import { Faults } from './faults.ts';
import { SandboxHomeserver } from './homeserver.ts';
import { playKind, type SandboxKindName } from './kinds/play.ts';
import { createHttpServer, createRoutes, type ReceivedRequest } from './http.ts';

export interface SandboxOptions {
  /** 0, the default: any free one. */
  port?: number;
  host?: string;
  serverName?: string;
  /** As which homeserver it behaves; by default as itself. */
  kind?: SandboxKindName;
  /** Milliseconds since 1970: the time at which events are sent. */
  now?: () => Milliseconds;
}

export interface Sandbox {
  /** `http://host:port`, without a slash at the end; the same after a restart. */
  readonly url: string;
  readonly homeserver: SandboxHomeserver;
  readonly faults: Faults;
  /** The newest requests, oldest first. */
  readonly requests: readonly ReceivedRequest[];
  /** Of sessions that are not logged out. */
  readonly accessTokens: AccessToken[];
  /** Cuts all connections and refuses new ones. What is known stays. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const MOST_REQUESTS = 20_000;

/** Starts a homeserver of its own, empty, and resolves when it listens. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = '127.0.0.1', serverName = 'sandbox.test', now = Date.now, kind } = options;
  const homeserver = new SandboxHomeserver({ serverName, now });
  const faults = new Faults();
  const served = { homeserver, faults };
  const routes = playKind(kind, createRoutes(served), served);
  const requests: ReceivedRequest[] = [];
  const remember = (request: ReceivedRequest): void => {
    if (requests.push(request) > MOST_REQUESTS) requests.splice(0, MOST_REQUESTS / 2);
  };
  let app: FastifyInstance | undefined;
  const start = async (port: number): Promise<string> => {
    app = createHttpServer(served, routes, remember);
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
    faults,
    requests,
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
