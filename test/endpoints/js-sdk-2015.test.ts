import { expect, test } from 'vitest';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { startGateway } from '../gateway.ts';
import { playOldSession } from '../js-sdk-2015-story.ts';

test('when matrix-js-sdk 0.3.0 meets a homeserver without api/v1 -> it holds a session and misses nothing', async () => {
  const sandbox = await createSandbox();
  const gateway = await startGateway(sandbox.url, { homeserverKind: 'sandbox' });
  try {
    await playOldSession(gateway.url, 'sdk2015', 300);
  } finally {
    await gateway.close();
    await sandbox.close();
  }
  expect(sandbox.requests.filter(({ url }) => /\/(?:api\/v1|v2_alpha)\//.test(url))).toEqual([]);
}, 60_000);
