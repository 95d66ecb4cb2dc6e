import { expect, inject, test } from 'vitest';
import { startGatewayProcess } from '../../gateway-process.ts';
import { legacySyncPaths, startBlocker, wholeOfV1 } from '../blocker.ts';
import { playPythonSession } from './python-client.ts';

test('when matrix-client 0.0.3 meets a Synapse without api/v1 -> it holds a session', async () => {
  const { behindGatewayUrl, serverName } = inject('synapse');
  const blocker = await startBlocker(behindGatewayUrl, [...legacySyncPaths, ...wholeOfV1]);
  const logs = inject('logs');
  const gateway = await startGatewayProcess({ name: 'python-client', homeserverUrl: blocker.url, logs });
  try {
    expect(await playPythonSession(gateway.url, 'py2015')).toEqual({
      home_server: serverName,
      message: expect.objectContaining({
        user_id: `@py2015-alice:${serverName}`,
        sender: `@py2015-alice:${serverName}`,
        age: expect.any(Number),
        content: { msgtype: 'm.text', body: 'hello' },
      }),
      name: 'Tea',
      topic: 'Green',
      display_name: 'Bob',
      rooms: 2,
      known: { name: 'Tea', topic: 'Green', events: 3 },
    });
  } finally {
    await gateway.stop();
    await blocker.close();
  }
  expect(blocker.blockedCalls).toEqual([]);
}, 180_000);
