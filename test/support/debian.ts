// Programs of Debian's that tests need: nginx, Apache, Chromium, promtool. Where one is missing it is installed.

import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Program → the package that has it. */
const PROGRAMS = {
  '/usr/sbin/nginx': 'nginx-light',
  '/usr/sbin/apache2': 'apache2-bin',
  '/usr/bin/promtool': 'prometheus',
  '/usr/bin/chromium-headless-shell': 'chromium-headless-shell',
} as const;

/**
 * Installs what is missing, by apt-get, which takes root and a minute or two the first time.
 *
 * Throws where that cannot be done: these tests fail then, they are never skipped.
 */
export async function readyPrograms(say: (line: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(PROGRAMS)) if (!(await exists(program))) missing.push(name);
  if (missing.length === 0) return;
  say(`installing ${missing.join(', ')} from Debian, once; a minute or two ...`);
  // Runlevel 1: no daemon is started.
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update'], { env });
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...missing], {
      env,
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (error) {
    throw new Error(`The tests of what operators use need ${missing.join(', ')}: ${String(error)}`, {
      cause: error,
    });
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
