import { expect, test } from 'vitest';
import { createTestSandbox, type TestSandboxOptions } from '../support/sandbox/test-sandbox.ts';
import { startGateway } from '../support/gateway.ts';
import { playOldSession } from '../support/js-sdk-2015-story.ts';

test.each<{ plays: string; sandboxOptions: TestSandboxOptions; gap: number }>([
  { plays: 'a homeserver without api/v1', sandboxOptions: {}, gap: 300 },
  { plays: 'Dendrite', sandboxOptions: { kind: 'dendrite' }, gap: 1000 },
])(
  'when matrix-js-sdk 0.3.0 meets $plays -> it holds a session and misses nothing in a gap of $gap events',
  async ({ sandboxOptions, gap }) => {
    const sandbox = await createTestSandbox(sandboxOptions);
    const gateway = await startGateway(sandbox.url);
    try {
      await playOldSession(gateway.url, 'sdk2015', gap);
    } finally {
      await gateway.close();
      await sandbox.close();
    }
    expect(sandbox.requests.filter(({ url }) => /\/(?:api\/v1|v2_alpha)\//.test(url))).toEqual([]);
  },
  120_000,
);
