// Python clients of their time from PyPI, unmodified, and for each a script that holds a session with it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readyFolder, runToEnd } from '../cached-folder.ts';
import { readySynapse } from './environment.ts';

export interface PythonClient {
  /** Of the package, with its version: also the name of its folder. */
  name: string;
  /** What its script imports. */
  module: string;
  /** Beside this file. */
  script: string;
  /** All that is installed, each with its version: with these it was tried. */
  packages: readonly string[];
}

const REQUESTS = [
  'requests==2.34.2',
  'urllib3==2.8.0',
  'idna==3.20',
  'certifi==2026.10.19.post1',
  'charset-normalizer==3.5.3',
];

/** Of 2015, with api/v1. */
export const matrixClient2015: PythonClient = {
  name: 'matrix-client-0.0.3',
  module: 'matrix_client.client',
  script: 'python-session-2015.py',
  packages: ['matrix-client==0.0.3', ...REQUESTS],
};

/** Of 2018, with r0: Home Assistant's for years. */
export const matrixClient2018: PythonClient = {
  name: 'matrix-client-0.3.2',
  module: 'matrix_client.client',
  script: 'python-session-2018.py',
  packages: ['matrix-client==0.3.2', ...REQUESTS],
};

/** Of 2021, with r0. */
export const matrixNio: PythonClient = {
  name: 'matrix-nio-0.18.7',
  module: 'nio',
  script: 'nio-session.py',
  packages: [
    'matrix-nio==0.18.7',
    'aiofiles==0.6.0',
    'aiohappyeyeballs==2.7.1',
    'aiohttp==3.14.5',
    'aiohttp-socks==0.6.1',
    'aiosignal==1.4.0',
    'async-timeout==5.0.1',
    'attrs==26.1.0',
    'frozenlist==1.8.0',
    // It asks for 0.18, of which there is no wheel.
    'future==1.0.0',
    'h11==0.12.0',
    'h2==4.4.1',
    'hpack==4.2.0',
    'hyperframe==6.1.0',
    'idna==3.20',
    'jsonschema==3.2.0',
    'Logbook==1.10.1',
    'multidict==7.2.1',
    'propcache==0.5.4',
    'pycryptodome==3.24.1',
    'pyrsistent==0.20.0',
    'python-socks==1.2.4',
    'six==1.17.0',
    'typing_extensions==4.16.0',
    'unpaddedbase64==2.1.0',
    'yarl==1.25.1',
  ],
};

/** Plays a client's script at a gateway. Resolves to what it saw; rejects with what it wrote where it failed. */
export async function playPythonSession(
  client: PythonClient,
  url: string,
  name: string,
): Promise<Record<string, unknown>> {
  const { python, environment } = await readyClient(client);
  const script = fileURLToPath(new URL(client.script, import.meta.url));
  const seen = await runToEnd(python, ['-W', 'ignore', script, url, name], environment);
  return JSON.parse(seen) as Record<string, unknown>;
}

/** A client that listens in a room, in a process of its own. */
export interface PythonListener {
  /** What it said, line by line. */
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

/** Starts a client that logs in as `name`, joins the room, and listens as its documentation shows. */
export async function startPythonListener(
  client: PythonClient,
  url: string,
  name: string,
  roomId: string,
): Promise<PythonListener> {
  const { python, environment } = await readyClient(client);
  const script = fileURLToPath(new URL('python-listener.py', import.meta.url));
  const child = spawn(python, ['-W', 'ignore', script, url, name, roomId], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const ended = once(child, 'exit');
  return {
    lines,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The Python that can run the client, and the environment in which it finds it; installs it once per user. */
async function readyClient({ name, module, packages }: PythonClient): Promise<{
  python: string;
  environment: NodeJS.ProcessEnv;
}> {
  const { python } = await readySynapse(() => {});
  const folder = await readyFolder(name, {
    works: (at) => runToEnd(python, ['-W', 'ignore', '-c', `import ${module}`], { PYTHONPATH: at }),
    build: (at) => {
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
      return runToEnd(python, [...install, '--prefer-binary', '--target', at, ...packages]);
    },
  });
  // Compiled scripts would be left in folders beside them.
  return { python, environment: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' } };
}
