// matrix-client 0.0.3 of 2015 from PyPI, unmodified, and a script that uses it.

import { spawn } from 'node:child_process';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readySynapse } from '../environment.ts';

/** With what it was tried: it names no versions itself. */
const PACKAGES = [
  'matrix-client==0.0.3',
  'requests==2.34.2',
  'urllib3==2.8.0',
  'idna==3.20',
  'certifi==2026.10.19.post1',
  'charset-normalizer==3.5.3',
];

const SCRIPT = fileURLToPath(new URL('python-session.py', import.meta.url));

/** Plays `python-session.py` at a gateway. Resolves to what it saw; rejects with what it wrote where it failed. */
export async function playPythonSession(url: string, name: string): Promise<Record<string, unknown>> {
  const { python } = await readySynapse(() => {});
  const folder = await readyClient(python);
  return JSON.parse(await run(python, [SCRIPT, url, name], { PYTHONPATH: folder }));
}

/** The folder with the client; installs it once per user. Two runs at once: the first rename wins. */
async function readyClient(python: string): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hindsync');
  const folder = join(cache, 'matrix-client-0.0.3');
  const isThere = (): Promise<boolean> =>
    access(join(folder, 'matrix_client')).then(
      () => true,
      () => false,
    );
  if (await isThere()) return folder;
  await mkdir(cache, { recursive: true });
  const building = `${folder}.building-${process.pid}`;
  try {
    const install = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--target',
    ];
    await run(python, [...install, building, ...PACKAGES]);
    await rename(building, folder).catch(async (error: unknown) => {
      if (!(await isThere())) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return folder;
}

async function run(program: string, args: string[], environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (complaints += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}${complaints}`);
  return output;
}
