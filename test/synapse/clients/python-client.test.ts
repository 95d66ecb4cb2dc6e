import { expect, inject, test } from 'vitest';
import { createSandbox, type SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { startGatewayProcess } from '../../gateway-process.ts';
import { legacySyncPaths, startBlocker, wholeOfV1 } from '../blocker.ts';
import { playPythonSession } from './python-client.ts';

/** What the session sees, on a homeserver of this name. */
const aSession = (serverName: string): object => ({
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
  missed: true,
  known: { name: 'Tea', topic: 'Green', events: 3 },
});

async function playAt(homeserverUrl: string, name: string): Promise<unknown> {
  const gateway = await startGatewayProcess({ name, homeserverUrl, logs: inject('logs') });
  try {
    return await playPythonSession(gateway.url, 'py2015');
  } finally {
    await gateway.stop();
  }
}

test('when matrix-client 0.0.3 meets a Synapse without api/v1 -> it holds a session', async () => {
  const { behindGatewayUrl, serverName } = inject('synapse');
  const blocker = await startBlocker(behindGatewayUrl, [...legacySyncPaths, ...wholeOfV1]);
  try {
    expect(await playAt(blocker.url, 'python-client')).toEqual(aSession(serverName));
  } finally {
    await blocker.close();
  }
  expect(blocker.blockedCalls).toEqual([]);
}, 180_000);

test.each<{ plays: string; options: SandboxOptions }>([
  { plays: 'a homeserver that never had api/v1', options: {} },
  { plays: 'Dendrite', options: { kind: 'dendrite' } },
])(
  'when it meets $plays -> it holds a session',
  async ({ plays, options }) => {
    const sandbox = await createSandbox(options);
    try {
      const name = `python-client-${plays === 'Dendrite' ? 'dendrite' : 'sandbox'}`;
      expect(await playAt(sandbox.url, name)).toEqual(aSession('sandbox.test'));
    } finally {
      await sandbox.close();
    }
  },
  180_000,
);
