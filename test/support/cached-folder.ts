// What tests install from a registry, once per version and user, in ~/.cache/hindsync.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CACHE = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hindsync');

/**
 * A folder of this name in the cache that works; builds it where there is none yet.
 *
 * Safe when two runs do it at once: each builds in a folder of its own, and the first rename wins. Throws where it cannot be
 * built: the tests that need it fail then, they are never skipped.
 */
export async function readyFolder(
  name: string,
  {
    works,
    build,
  }: { works: (folder: string) => Promise<unknown>; build: (folder: string) => Promise<unknown> },
): Promise<string> {
  const folder = join(CACHE, name);
  const isWorking = (): Promise<boolean> =>
    works(folder).then(
      () => true,
      () => false,
    );
  if (await isWorking()) return folder;
  await mkdir(CACHE, { recursive: true });
  const building = await mkdtemp(`${folder}.building-`);
  try {
    await build(building);
    // One that no longer works, as after an upgrade of Python: out of the way, as a rename only replaces empty folders.
    if (!(await isWorking())) await rm(folder, { recursive: true, force: true });
    await rename(building, folder).catch(async (error: unknown) => {
      if (!(await isWorking())) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return folder;
}

/** Runs a program to its end; resolves to what it wrote to stdout, rejects with all that it wrote where it failed. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  try {
    const env = { ...process.env, ...environment };
    const { stdout } = await promisify(execFile)(program, args, { env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    const written = `${stdout ?? ''}${stderr ?? ''}`.trim();
    throw new Error(`${program} ${args.join(' ')} ended with ${String(code)}:\n${written}`, { cause: error });
  }
}
