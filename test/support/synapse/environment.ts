// Synapse from PyPI in a virtual environment, made once per version in the user's cache folder.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readyFolder, runToEnd } from '../cached-folder.ts';

export const SYNAPSE_VERSION = '1.163.2';

const CONSTRAINTS = fileURLToPath(new URL('constraints.txt', import.meta.url));

const pythonIn = (folder: string): string => join(folder, 'bin', 'python');

/** The Python that has Synapse; installs it where that has not been done yet, which takes half a minute. */
export async function readySynapse(say: (line: string) => void): Promise<{ python: string }> {
  const folder = await readyFolder(`synapse-${SYNAPSE_VERSION}`, {
    works: (at) => runToEnd(pythonIn(at), ['-c', 'import synapse']),
    build: async (at) => {
      await runToEnd('python3', ['--version']).catch((error: unknown) => {
        throw new Error(`The tests against a real Synapse need python3 (3.10 or newer, with venv): ${error}`);
      });
      say(`installing Synapse ${SYNAPSE_VERSION} from PyPI, once; half a minute ...`);
      await runToEnd('python3', ['-m', 'venv', at]);
      // As a module: a virtual environment can be renamed, but its scripts keep the old path.
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--prefer-binary'];
      const what = ['--constraint', CONSTRAINTS, `matrix-synapse==${SYNAPSE_VERSION}`];
      await runToEnd(pythonIn(at), [...install, ...what]);
    },
  });
  return { python: pythonIn(folder) };
}
