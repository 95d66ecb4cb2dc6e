// Synapse from PyPI in a virtual environment, made once per version in the user's cache folder.

import { spawn } from 'node:child_process';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SYNAPSE_VERSION = '1.163.2';

const CONSTRAINTS = fileURLToPath(new URL('constraints.txt', import.meta.url));

/**
 * The Python that has Synapse; installs it where that has not been done yet, which takes half a minute.
 *
 * Safe when two runs do it at once: each builds in a folder of its own, and the first rename wins. Throws where there
 * is no python3 or PyPI cannot be reached: these tests fail then, they are never skipped.
 */
export async function readySynapse(say: (line: string) => void): Promise<{ python: string }> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hindsync');
  const folder = join(cache, `synapse-${SYNAPSE_VERSION}`);
  const python = join(folder, 'bin', 'python');
  if (await works(python)) return { python };

  await run('python3', ['--version']).catch((error: unknown) => {
    throw new Error(`The tests against a real Synapse need python3 (3.10 or newer, with venv): ${error}`);
  });
  say(`installing Synapse ${SYNAPSE_VERSION} from PyPI into ${folder}, once; half a minute ...`);
  await mkdir(cache, { recursive: true });
  const building = `${folder}.building-${process.pid}`;
  try {
    await build(building);
    // One that no longer works, as after an upgrade of Python: out of the way, as a rename only replaces empty folders.
    if (!(await works(python))) await rm(folder, { recursive: true, force: true });
    await rename(building, folder).catch(async (error: unknown) => {
      if (!(await works(python))) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return { python };
}

async function build(folder: string): Promise<void> {
  await run('python3', ['-m', 'venv', folder]);
  // As a module: a virtual environment can be renamed, but its scripts keep the old path.
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--prefer-binary'];
  const what = ['--constraint', CONSTRAINTS, `matrix-synapse==${SYNAPSE_VERSION}`];
  await run(join(folder, 'bin', 'python'), [...install, ...what]);
}

async function works(python: string): Promise<boolean> {
  try {
    await access(python);
    await run(python, ['-c', 'import synapse']);
    return true;
  } catch {
    return false;
  }
}

/** Ends when the program does; throws what it wrote where it failed. */
async function run(program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output.trim()}`);
}
