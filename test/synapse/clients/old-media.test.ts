// A Synapse that gives new media only to who shows an access token, and its old media API to nobody.

import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../../gateway-process.ts';
import { register, type User } from '../client.ts';

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

test('without an access token -> what Synapse says, as natively', async () => {
  const path = `/_matrix/media/v3/download/${media}`;
  const [native, ours] = await Promise.all([fetch(inject('synapse').url + path), fetch(gateway.url + path)]);
  expect([ours.status, await ours.text()]).toEqual([native.status, await native.text()]);
  expect(ours.status).toBe(404);
});
