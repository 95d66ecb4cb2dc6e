import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createWriteStream } from 'node:fs';
import { synapseFiles } from './synapse-config.ts';

export interface RunningSynapse {
  /** Where the tests ask it themselves. */
  url: string;
  /** The same homeserver for what stands behind the gateway: its access log is a file of its own. */
  behindGatewayUrl: string;
  stop(): Promise<void>;
}

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;

/** Starts a fresh Synapse with its data in `folder`; resolves when it answers on both ports. */
export async function startSynapse(options: {
  python: string;
  folder: string;
  logs: string;
  asToken: string;
}): Promise<RunningSynapse> {
  const { python, folder, logs, asToken } = options;
  const [nativePort, gatewayPort] = await freePorts(2);
  await mkdir(folder, { recursive: true });
  const files = synapseFiles({ folder, logs, nativePort, gatewayPort, asToken });
  for (const [name, text] of Object.entries(files))
    await writeFile(join(folder, name), text, { mode: 0o600 });

  const args = ['-m', 'synapse.app.homeserver', '--config-path', join(folder, 'homeserver.yaml')];
  const child = spawn(python, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  // What it says before its own log is set up, such as a port that is taken meanwhile.
  const output = createWriteStream(join(logs, 'synapse-output.log'));
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });

  const url = `http://127.0.0.1:${nativePort}`;
  const behindGatewayUrl = `http://127.0.0.1:${gatewayPort}`;
  try {
    for (const each of [url, behindGatewayUrl]) await untilItAnswers(each, child, logs);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { url, behindGatewayUrl, stop: () => stop(child) };
}

async function untilItAnswers(url: string, child: ChildProcess, logs: string): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Synapse ended with ${child.exitCode}; see ${logs}`);
    if (Date.now() > deadline) throw new Error(`Synapse did not answer within a minute; see ${logs}`);
    const answer = await fetch(`${url}/_matrix/client/versions`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
    // Nothing tells when a process begins to listen.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await exited;
  clearTimeout(deadline);
}

/** Held at the same time, so that they differ, and free again when this returns. */
async function freePorts(count: 2): Promise<[number, number]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const [first, second] = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return [first ?? 0, second ?? 0];
}
