// A Synapse that gives new media only to who shows an access token, and its old media API to nobody.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { clientAt, register, type User } from '../../support/synapse/synapse-client.ts';

let gateway: GatewayProcess;
let user: User;
let media: string;

beforeAll(async () => {
  const { url, behindGatewayUrl } = inject('synapse');
  gateway = await startGatewayProcess({
    name: 'old-media',
    homeserverUrl: behindGatewayUrl,
    logs: inject('logs'),
  });
  user = await register(url, 'old-media');
  const upload = await fetch(`${gateway.url}/_matrix/media/v1/upload?access_token=${user.accessToken}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'an old picture',
  });
  media = ((await upload.json()) as { content_uri: string }).content_uri.replace('mxc://', '');
});
afterAll(async () => {
  await gateway.stop();
});

test.each(['v1', 'r0', 'v3'])('media/%s/download with an access token -> the media', async (prefix) => {
  const path = `${gateway.url}/_matrix/media/${prefix}/download/${media}`;
  for (const answer of [
    await fetch(`${path}?access_token=${user.accessToken}`),
    await fetch(`${path}/name.txt`, { headers: { authorization: `Bearer ${user.accessToken}` } }),
  ]) {
    expect([answer.status, await answer.text()]).toEqual([200, 'an old picture']);
    expect(answer.headers.get('content-type')).toContain('text/plain');
  }
});

test('without one, where the operator opens media to the network -> the media', async () => {
  const service = await register(inject('synapse').url, 'old-media-service');
  const folder = await mkdtemp(join(tmpdir(), 'hindsync-media-'));
  await writeFile(join(folder, 'token'), service.accessToken);
  const open = (networks: string): Promise<GatewayProcess> =>
    startGatewayProcess({
      name: 'opened-media',
      homeserverUrl: inject('synapse').behindGatewayUrl,
      logs: inject('logs'),
      settings: {
        HINDSYNC_MEDIA_TOKEN_FILE: join(folder, 'token'),
        HINDSYNC_MEDIA_TOKEN_NETWORKS: networks,
      },
    });
  const [here, elsewhere] = await Promise.all([open('127.0.0.1'), open('192.0.2.0/24')]);
  // Until then the gateway may not know what the homeserver has.
  await fetch(`${here.internalUrl}/ready`);
  await fetch(`${elsewhere.internalUrl}/ready`);
  try {
    for (const path of [`/_matrix/media/v1/download/${media}`, `/_matrix/content/${media}`]) {
      const answer = await fetch(here.url + path);
      expect([answer.status, await answer.text()]).toEqual([200, 'an old picture']);
      expect(answer.headers.get('cache-control')).toMatch(/^private, max-age=/);
      expect((await fetch(elsewhere.url + path)).status).toBe(404);
    }
    expect((await fetch(`${here.url}/_matrix/client/v3/account/whoami`)).status).toBe(401);
    await clientAt(inject('synapse').url, service).post('v3/logout');
    expect((await fetch(`${here.url}/_matrix/media/v1/download/${media}`)).status).toBe(404);
  } finally {
    await Promise.all([here.stop(), elsewhere.stop()]);
    await rm(folder, { recursive: true });
  }
});

test('without an access token -> what Synapse itself says', async () => {
  const path = `/_matrix/media/v3/download/${media}`;
  const [native, ours] = await Promise.all([fetch(inject('synapse').url + path), fetch(gateway.url + path)]);
  expect([ours.status, await ours.text()]).toEqual([native.status, await native.text()]);
  expect(ours.status).toBe(404);
});
