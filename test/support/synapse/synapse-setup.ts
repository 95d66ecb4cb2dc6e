// One Synapse for all the tests of the project `synapse`, and the search of all logs when they are done.

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findLeaks, noteAccessToken } from './access-tokens.ts';
import { readySynapse, SYNAPSE_VERSION } from './environment.ts';
import { SERVER_NAME } from './synapse-config.ts';
import { startSynapse } from './synapse-process.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    synapse: { url: string; behindGatewayUrl: string; serverName: string; version: string; asToken: string };
    /** The run's folder: access tokens that were issued are written down there. */
    run: string;
    /** Where every process of the run logs. */
    logs: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (line: string): boolean => process.stderr.write(`synapse: ${line}\n`);
  const { python } = await readySynapse(say);
  const run = await mkdtemp(join(tmpdir(), 'hindsync-synapse-'));
  const logs = join(run, 'logs');
  await mkdir(logs);
  const asToken = `as_${randomBytes(16).toString('hex')}`;
  await noteAccessToken(run, asToken);
  const folder = join(run, 'synapse');
  const { url, behindGatewayUrl, stop } = await startSynapse({ python, folder, logs, asToken });
  const about = { serverName: SERVER_NAME, version: SYNAPSE_VERSION, asToken };
  project.provide('synapse', { url, behindGatewayUrl, ...about });
  project.provide('run', run);
  project.provide('logs', logs);

  return async () => {
    await stop();
    const leaks = await findLeaks(run, logs);
    if (leaks.length > 0) {
      throw new Error(
        `Access tokens got out; the logs are kept in ${logs}:\n${leaks.slice(0, 20).join('\n')}`,
      );
    }
    if (process.env['KEEP_TEST_LOGS'] === undefined) await rm(run, { recursive: true });
    else say(`the logs are kept in ${logs}`);
  };
}
