// The gateway as its users start it: a process, its settings in the environment, one line when it listens.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface GatewayProcess {
  url: string;
  internalUrl: string;
  /** Writes its metrics to the logs and sends SIGTERM; resolves to the exit code, which is 0 once it has drained. */
  stop(): Promise<number | null>;
  /** Ends it as a crash or a lack of memory would: SIGKILL, nothing drained. */
  kill(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const LISTENING = /^hindsync listening on (\S+) \(internal (\S+)\)$/m;
const START_DEADLINE_MS = 30_000;

/**
 * Starts a gateway in front of a homeserver, on free ports; everything it writes goes to `logs`, in a file of that name.
 *
 * `settings` are environment variables (`HINDSYNC_…`), among them `HINDSYNC_LISTEN` for the port of one that was killed. Throws with what it wrote where it does not come to listen.
 */
export async function startGatewayProcess(options: {
  name: string;
  homeserverUrl: string;
  logs: string;
  settings?: Record<string, string>;
  /** How many files and connections it may have open (`ulimit -n`). */
  mostFiles?: number;
}): Promise<GatewayProcess> {
  const { name, homeserverUrl, logs, settings, mostFiles } = options;
  const command = [process.execPath, MAIN];
  // The shell is replaced by the gateway, which keeps its process id.
  if (mostFiles !== undefined) command.unshift('sh', '-c', 'ulimit -n "$0" && exec "$@"', String(mostFiles));
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...withoutSettings(process.env),
      HINDSYNC_HOMESERVER_URL: homeserverUrl,
      HINDSYNC_LISTEN: '127.0.0.1:0',
      HINDSYNC_INTERNAL_LISTEN: '127.0.0.1:0',
      HINDSYNC_LOG_LEVEL: 'debug',
      ...settings,
    },
  });
  const log = createWriteStream(join(logs, `gateway-${name}.log`), { flags: 'a' });
  let output = '';
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  // A worker that is ended from outside does not come to its `afterAll`.
  const endWithUs = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  void exited.then(() => process.off('exit', endWithUs));

  const [url, internalUrl] = await new Promise<[string, string]>((resolve, reject) => {
    const deadline = setTimeout(
      () => reject(new Error(`no line from the gateway: ${output}`)),
      START_DEADLINE_MS,
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.pipe(log, { end: false });
      stream.on('data', (data: Buffer) => {
        if (output.length < 100_000) output += data.toString();
        const line = LISTENING.exec(output);
        if (line === null) return;
        clearTimeout(deadline);
        resolve([line[1] ?? '', line[2] ?? '']);
      });
    }
    void exited.then((code) => reject(new Error(`the gateway ended with ${code}: ${output}`)));
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });

  return {
    url,
    internalUrl,
    stop: async () => {
      // Where a test has failed it may be dead already, and its exit code says more than this would.
      const metrics = await fetch(`${internalUrl}/metrics`).then((answer) => answer.text(), String);
      await writeFile(join(logs, `metrics-${name}.log`), metrics);
      child.kill('SIGTERM');
      return exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What the developer has set for a gateway of his own is not for those of the tests. */
const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('HINDSYNC_')));
