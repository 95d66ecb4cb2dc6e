// The canary: every access token that the run issued is written down, and in the end looked for in all that was logged.

import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ISSUED = 'issued-access-tokens';

/** Writes an issued access token down; `run` is the run's folder, which tests are told (`inject('run')`). */
export async function noteAccessToken(run: string, accessToken: string): Promise<void> {
  await appendFile(join(run, ISSUED), `${accessToken}\n`);
}

/**
 * Log files that hold an issued access token, and requests with one in their query that came to Synapse through the
 * gateway: a line each, that says where, and not the token. Empty where all is well.
 */
export async function findLeaks(run: string, logs: string): Promise<string[]> {
  const issued = (await readFile(join(run, ISSUED), 'utf8').catch(() => '')).split('\n').filter(Boolean);
  const leaks: string[] = [];
  for (const name of await readdir(logs)) {
    const lines = (await readFile(join(logs, name), 'utf8')).split('\n');
    lines.forEach((line, index) => {
      if (issued.some((accessToken) => line.includes(accessToken)))
        leaks.push(`${name}:${index + 1} holds an access token`);
      // Synapse blackens the token itself, but not that there was one.
      if (name === 'synapse-access-gateway.log' && line.includes('access_token='))
        leaks.push(`${name}:${index + 1} shows that the gateway sent an access token in a query`);
    });
  }
  return leaks;
}
