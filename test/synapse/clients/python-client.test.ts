import { expect, inject, test } from 'vitest';
import { createTestSandbox, type TestSandboxOptions } from '../../support/sandbox/test-sandbox.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { legacySyncPaths, startBlocker, wholeOfV1 } from '../../support/synapse/blocker.ts';
import {
  matrixClient2015,
  matrixClient2018,
  matrixNio,
  playPythonSession,
  type PythonClient,
} from '../../support/synapse/python-client.ts';

interface Session {
  client: PythonClient;
  /** Of its users. */
  name: string;
  /** What it sees, on a homeserver of this name. */
  sees(serverName: string): object;
}

const sessions: Session[] = [
  {
    client: matrixClient2015,
    name: 'py2015',
    sees: (serverName) => ({
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
    }),
  },
  {
    client: matrixClient2018,
    name: 'py2018',
    sees: (serverName) => ({
      home_server: serverName,
      sender: `@py2018-alice:${serverName}`,
      rooms: ['Tea'],
      bodies: true,
      first: 'm.room.create',
      left: true,
    }),
  },
  {
    client: matrixNio,
    name: 'nio2021',
    sees: (serverName) => ({
      sender: `@nio2021-alice:${serverName}`,
      rooms: ['Tea'],
      bodies: true,
      first: 'm.room.create',
      left: true,
    }),
  },
];

async function playAt(homeserverUrl: string, { client, name }: Session, where: string): Promise<unknown> {
  const gateway = await startGatewayProcess({
    name: `${name}-${where}`,
    homeserverUrl,
    logs: inject('logs'),
  });
  try {
    return await playPythonSession(client, gateway.url, name);
  } finally {
    await gateway.stop();
  }
}

test.each(sessions)(
  'when $client.name meets a Synapse without its legacy API -> it holds a session',
  async (session) => {
    const { behindGatewayUrl, serverName } = inject('synapse');
    const blocker = await startBlocker(behindGatewayUrl, [...legacySyncPaths, ...wholeOfV1]);
    try {
      expect(await playAt(blocker.url, session, 'synapse')).toEqual(session.sees(serverName));
    } finally {
      await blocker.close();
    }
    expect(blocker.blockedCalls).toEqual([]);
  },
  180_000,
);

const places: { plays: string; options: TestSandboxOptions }[] = [
  { plays: 'a homeserver that never had api/v1', options: {} },
  { plays: 'Dendrite', options: { kind: 'dendrite' } },
];

test.each(places.flatMap((place) => sessions.map((session) => ({ ...place, session }))))(
  'when $session.client.name meets $plays -> it holds a session',
  async ({ options, session }) => {
    const sandbox = await createTestSandbox(options);
    try {
      const where = options.kind ?? 'sandbox';
      expect(await playAt(sandbox.url, session, where)).toEqual(session.sees('sandbox.test'));
    } finally {
      await sandbox.close();
    }
  },
  180_000,
);
