import { expect, inject, test } from 'vitest';
import { createTestSandbox } from '../../support/sandbox/test-sandbox.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { legacySyncPaths, startBlocker, wholeOfV1 } from '../../support/synapse/blocker.ts';
import { play2019Session } from '../../support/synapse/js-sdk-2019.ts';

async function playAt(homeserverUrl: string, where: string): Promise<void> {
  const gateway = await startGatewayProcess({
    name: `js-sdk-2019-${where}`,
    homeserverUrl,
    logs: inject('logs'),
  });
  try {
    await play2019Session(gateway.url, 'sdk2019');
  } finally {
    await gateway.stop();
  }
}

test('when matrix-js-sdk 2.4.6 meets a Synapse without its legacy API -> it holds a session', async () => {
  const blocker = await startBlocker(inject('synapse').behindGatewayUrl, [...legacySyncPaths, ...wholeOfV1]);
  try {
    await playAt(blocker.url, 'synapse');
  } finally {
    await blocker.close();
  }
  expect(blocker.blockedCalls).toEqual([]);
}, 180_000);

test('when it meets Dendrite -> it holds a session', async () => {
  const sandbox = await createTestSandbox({ kind: 'dendrite' });
  try {
    await playAt(sandbox.url, 'dendrite');
  } finally {
    await sandbox.close();
  }
}, 180_000);
