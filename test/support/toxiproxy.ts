// Toxiproxy, a TCP proxy that makes faults: built from the Go module proxy, once per version, in the user's cache folder.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readyFolder, runToEnd } from './cached-folder.ts';

const VERSION = '2.12.0';

/** One fault on the way between the gateway and the homeserver, as Toxiproxy's HTTP API names it. */
export interface Toxic {
  type: 'latency' | 'bandwidth' | 'slow_close' | 'timeout' | 'reset_peer' | 'slicer' | 'limit_data';
  /** `downstream`: towards the gateway. */
  stream: 'upstream' | 'downstream';
  attributes: Readonly<Record<string, number>>;
  /** The share of connections that it meets; 1 by default. */
  toxicity?: number;
}

export interface Toxiproxy {
  /** Where the gateway finds the homeserver. */
  readonly url: string;
  add(toxic: Toxic): Promise<void>;
  /** Takes all faults away. */
  heal(): Promise<void>;
  /** Closes all connections and refuses new ones, until `comeBack`. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the proxy in front of a homeserver. Throws where Go or its module proxy is missing: the test is never skipped. */
export async function startToxiproxy(homeserverUrl: string): Promise<Toxiproxy> {
  const program = await readyToxiproxy();
  const [apiPort, proxyPort] = [await freePort(), await freePort()];
  const child = spawn(program, ['-host', '127.0.0.1', '-port', String(apiPort)], {
    stdio: 'ignore',
    env: { ...process.env, LOG_LEVEL: 'error' },
  });
  const endWithUs = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const call = createApiCall(apiPort);
  const listen = `127.0.0.1:${proxyPort}`;
  const upstream = new URL(homeserverUrl).host;
  await untilUp(() => call('POST', '/proxies', { name: 'homeserver', listen, upstream, enabled: true }));
  return {
    url: `http://${listen}`,
    add: (toxic) => call('POST', '/proxies/homeserver/toxics', toxic),
    heal: () => call('POST', '/reset'),
    goAway: () => call('POST', '/proxies/homeserver', { enabled: false }),
    comeBack: () => call('POST', '/proxies/homeserver', { enabled: true }),
    close: async () => {
      process.off('exit', endWithUs);
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function createApiCall(port: number) {
  return async (method: string, path: string, body?: object): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      // It refuses what a browser sends, and takes every name that begins with Mozilla for one.
      headers: { 'user-agent': 'hindsync-tests' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`toxiproxy: ${method} ${path}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  };
}

async function untilUp(work: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The program; builds it where that has not been done yet, which takes half a minute. */
async function readyToxiproxy(): Promise<string> {
  const programIn = (folder: string): string => join(folder, 'server');
  const folder = await readyFolder(`toxiproxy-v${VERSION}`, {
    works: (at) => access(programIn(at)),
    build: (at) =>
      runToEnd('go', ['install', `github.com/Shopify/toxiproxy/v2/cmd/server@v${VERSION}`], {
        GOBIN: at,
        GOFLAGS: '-mod=mod',
      }),
  }).catch((cause: unknown) => {
    throw new Error(
      `The tests of faults need Toxiproxy, which needs go and its module proxy: ${String(cause)}`,
      {
        cause,
      },
    );
  });
  return programIn(folder);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}
