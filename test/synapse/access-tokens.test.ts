import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findLeaks, noteAccessToken } from '../support/synapse/access-tokens.ts';

let run: string;
let logs: string;

beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), 'hindsync-canary-'));
  logs = join(run, 'logs');
  await mkdir(logs);
});

afterEach(() => rm(run, { recursive: true }));

describe('findLeaks', () => {
  test('an issued access token in a log -> said where, and not what', async () => {
    await noteAccessToken(run, 'syt_first');
    await noteAccessToken(run, 'syt_second');
    await writeFile(join(logs, 'gateway-a.log'), 'one line\n{"authorization":"Bearer syt_second"}\n');
    expect(await findLeaks(run, logs)).toEqual(['gateway-a.log:2 holds an access token']);
  });

  test('an access token in a query that came through the gateway -> said where, blackened or not', async () => {
    const line = '"GET /_matrix/client/v3/sync?access_token=<redacted> HTTP/1.1"\n';
    await writeFile(join(logs, 'synapse-access-gateway.log'), line);
    await writeFile(join(logs, 'synapse.log'), line);
    expect(await findLeaks(run, logs)).toEqual([
      'synapse-access-gateway.log:1 shows that the gateway sent an access token in a query',
    ]);
  });

  test('nothing of it -> nothing', async () => {
    await noteAccessToken(run, 'syt_first');
    await writeFile(join(logs, 'gateway-a.log'), 'syt_other\n');
    expect(await findLeaks(run, logs)).toEqual([]);
  });
});
