// The sandbox as tests use it: it remembers what it was asked, behaves as other homeservers do, and has faults.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { MatrixError } from '../../../src/matrix/errors.ts';
import type { AccessToken } from '../../../src/matrix/identifiers.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { addFaultHooks } from './fault-hooks.ts';
import { Faults } from './faults.ts';
import { withFaults } from './faulty-routes.ts';
import { plays, refuseUnknownTokens, type SandboxKindName } from './kinds/play-kind.ts';

/** A request as it came. */
export interface ReceivedRequest {
  method: string;
  /** Path and query, as they were sent. */
  url: string;
  headers: FastifyRequest['headers'];
}

export interface TestSandbox extends Sandbox {
  readonly faults: Faults;
  /** The newest requests, oldest first. */
  readonly requests: readonly ReceivedRequest[];
}

export interface TestSandboxOptions extends Pick<SandboxOptions, 'now' | 'port' | 'serverName'> {
  /** As which homeserver it behaves; by default as itself. */
  kind?: SandboxKindName;
}

const MOST_REQUESTS = 20_000;

/** Starts a sandbox whose faults are all off, and resolves when it listens. */
export async function createTestSandbox({ kind, ...options }: TestSandboxOptions = {}): Promise<TestSandbox> {
  const faults = new Faults();
  const requests: ReceivedRequest[] = [];
  const prepare = (app: FastifyInstance): void => {
    app.addHook('onRequest', async ({ method, originalUrl: url, headers }) => {
      if (requests.push({ method, url, headers }) > MOST_REQUESTS) requests.splice(0, MOST_REQUESTS / 2);
    });
    if (kind !== undefined && refuseUnknownTokens.has(kind))
      app.addHook('onRequest', async ({ headers }) => refuseUnknownToken(sandbox, headers.authorization));
    addFaultHooks(app, faults);
  };
  const sandbox: Sandbox = await createSandbox({
    ...options,
    prepare,
    changeRoutes: (own, homeserver) => {
      const routes = withFaults(own, faults);
      return kind === undefined ? routes : plays[kind](routes, { homeserver, faults });
    },
  });
  // With its getter, which a copy of the object would read once.
  return Object.assign(sandbox, { faults, requests });
}

function refuseUnknownToken({ homeserver }: Sandbox, authorization: string | undefined): void {
  const accessToken = authorization?.replace(/^Bearer /, '') as AccessToken | undefined;
  if (accessToken === undefined || homeserver.sessions.has(accessToken)) return;
  throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'Unknown access token.', { soft_logout: false });
}
