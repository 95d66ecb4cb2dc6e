// Compare mode over the whole test world, in both directions: nothing differs but what is named.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { clientAt, type User } from '../support/synapse/synapse-client.ts';
import { createWorld, type World } from '../support/synapse/world.ts';

/** One for each direction: Synapse gives the answer to a same filter again for two minutes. */
const worlds: Record<string, World> = {};
const MODES = ['shadow', 'native'];

let gateway: GatewayProcess;
let samples: string;

beforeAll(async () => {
  const { url, serverName } = inject('synapse');
  for (const mode of MODES) {
    const world = await createWorld(url, serverName, `compared-${mode}`);
    worlds[mode] = world;
    // Whether a state event has its `prev_content` depends on what Synapse happens to have in memory: all of it, now.
    for (const limit of [1000, 0])
      await clientAt(url, world.alice).read('v3/initialSync', { limit, archived: true });
  }
});
beforeEach(async () => {
  samples = await mkdtemp(join(tmpdir(), 'hindsync-samples-'));
});
afterEach(async () => {
  expect(await gateway.stop()).toBe(0);
  if (process.env['KEEP_SAMPLES'] === undefined) await rm(samples, { recursive: true });
});

async function compared(): Promise<Record<string, number>> {
  const metrics = await (await fetch(`${gateway.internalUrl}/metrics`)).text();
  const lines = metrics.matchAll(
    /^hindsync_comparisons_total\{endpoint="(\w+)",outcome="([\w ]+)"\} (\d+)$/gm,
  );
  return Object.fromEntries(
    [...lines].map(([, endpoint, outcome, count]) => [`${endpoint} ${outcome}`, Number(count)]),
  );
}

/** Asks, and waits until the other side was asked, too: two at once are all that is compared. */
async function ask(user: User, path: string, query = {}): Promise<void> {
  const sum = async (): Promise<number> =>
    Object.values(await compared()).reduce((all, each) => all + each, 0);
  const before = await sum();
  const { status } = await clientAt(gateway.url, user).get(path, query);
  if (status === 200)
    while ((await sum()) === before) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** What the page says of it, for who has to find out why this failed; the samples have the rest. */
async function differing(): Promise<string> {
  const page = await (await fetch(`${gateway.internalUrl}/`)).text();
  const section = /<h2 id="comparison">[\s\S]*?<\/section>/.exec(page)?.[0] ?? '';
  return section.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
}

describe.each(MODES)('compare = %s', (mode) => {
  test('every user, every room, the stream and single events -> no difference that nobody named', async () => {
    gateway = await startGatewayProcess({
      name: `compare-${mode}`,
      homeserverUrl: inject('synapse').behindGatewayUrl,
      logs: inject('logs'),
      settings: {
        HINDSYNC_COMPARE: mode,
        HINDSYNC_COMPARE_SHARE: '100 %',
        HINDSYNC_COMPARE_SAMPLES_DIR: samples,
      },
    });
    const world = worlds[mode] as World;
    const { alice, bob, carol, dave, rooms } = world;
    for (const user of [alice, bob, carol, dave]) {
      const before = await clientAt(inject('synapse').url, user).read('v3/initialSync', { limit: 1 });
      await ask(user, 'v3/initialSync', { limit: 30, archived: true });
      await ask(user, 'api/v1/initialSync');
      for (const room of Object.values(rooms).slice(0, user === alice ? undefined : 4))
        await ask(user, `r0/rooms/${encodeURIComponent(room)}/initialSync`, { limit: 5 });
      for (const { messages } of before.rooms.slice(0, 8))
        for (const { event_id: eventId } of messages?.chunk ?? [])
          await ask(user, `r0/events/${encodeURIComponent(eventId)}`);
    }
    const { end } = await clientAt(inject('synapse').url, alice).read('v3/initialSync', { limit: 1 });
    for (const [i, user] of [bob, carol, bob].entries()) await world.say(user, rooms.plain, `compared ${i}`);
    await world.say(bob, rooms.direct, 'also compared');
    await ask(alice, 'api/v1/events', { from: end, timeout: 0 });
    await ask(alice, 'r0/events', { from: end, timeout: 0, room_id: rooms.plain });

    const outcomes = await compared();
    expect(
      Object.keys(outcomes).filter((each) => !each.endsWith(' same')),
      await differing(),
    ).toEqual([]);
    for (const endpoint of ['initialSync', 'roomInitialSync', 'event', 'events'])
      expect(outcomes[`${endpoint} same`], endpoint).toBeGreaterThan(0);
  });
});
