// Where a comparison takes place: a world, the gateway in front of it, and the homeserver itself.

import { expect, inject } from 'vitest';
import { expectedDifferences, type RecognisedId } from '../../../src/operate/differences.ts';
import { compare } from '../../../src/operate/compare.ts';
import type { ComparedEndpoint } from '../../../src/operate/comparable.ts';
import { startGatewayProcess, type GatewayProcess } from '../gateway-process.ts';
import { legacySyncPaths, startBlocker, type Blocker } from './blocker.ts';
import { clientAt, type Client, type Json, type User } from './synapse-client.ts';
import { createWorld, type RoomName, type World } from './world.ts';

export interface Stage<Room extends RoomName = RoomName> {
  world: World<Room>;
  blocker: Blocker;
  gateway: GatewayProcess;
  /** A user at the homeserver, which answers the deprecated API itself. */
  native(user: User): Client;
  /** The same at the gateway, whose homeserver does not have it. */
  ours(user: User): Client;
  /** Ends the gateway, and fails where it asked the homeserver for what it should answer itself. */
  close(): Promise<void>;
}

/**
 * Sets a stage of its own up; `name` tells its users, logs and rooms from those of other stages.
 *
 * With `rooms` only these are there, which takes a second and not ten.
 */
export async function createStage<Room extends RoomName = RoomName>(
  name: string,
  rooms?: readonly Room[],
): Promise<Stage<Room>> {
  const { url, behindGatewayUrl, serverName } = inject('synapse');
  const blocker = await startBlocker(behindGatewayUrl, legacySyncPaths);
  const options = { name, homeserverUrl: blocker.url, logs: inject('logs') };
  const [world, gateway] = await Promise.all([
    createWorld(url, serverName, name, rooms),
    startGatewayProcess(options),
  ]);
  return {
    world,
    blocker,
    gateway,
    native: (user) => clientAt(url, user),
    ours: (user) => clientAt(gateway.url, user),
    close: async () => {
      const exitCode = await gateway.stop();
      await blocker.close();
      expect(blocker.blockedCalls).toEqual([]);
      expect(exitCode).toBe(0);
    },
  };
}

/** Fails with every place in which two answers differ for none of these reasons, and with the reasons that are gone. */
export function expectAlike(
  endpoint: ComparedEndpoint,
  answers: { user: User; native: Json; ours: Json },
  expected: readonly RecognisedId[],
): void {
  const { user, native, ours } = answers;
  const { unnamed, gone } = compare(
    endpoint,
    { userId: user.userId, native, ours },
    expectedDifferences(expected),
  );
  expect({ unnamed, gone }).toEqual({ unnamed: [], gone: [] });
}
