import { expect, inject, test } from 'vitest';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { playOldSession } from '../../support/js-sdk-2015-story.ts';
import { legacySyncPaths, startBlocker, wholeOfV1 } from '../../support/synapse/blocker.ts';

test('when matrix-js-sdk 0.3.0 meets a Synapse without api/v1 -> it holds a session and misses nothing', async () => {
  const blocker = await startBlocker(inject('synapse').behindGatewayUrl, [...legacySyncPaths, ...wholeOfV1]);
  const gateway = await startGatewayProcess({
    name: 'js-sdk-2015',
    homeserverUrl: blocker.url,
    logs: inject('logs'),
  });
  try {
    await playOldSession(gateway.url, 'sdk2015', 1000);
  } finally {
    await gateway.stop();
    await blocker.close();
  }
  expect(blocker.blockedCalls).toEqual([]);
}, 180_000);
