// What one request may ask of the homeserver: bounded, also where the homeserver's pages never end. The numbers are those of
// docs/architecture.md.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startGateway, type Gateway } from '../support/gateway.ts';
import { RawHomeserver } from '../support/raw-homeserver.ts';

let serial = 0;
const next = () => (serial += 1);
const event = () => ({
  type: 'm.room.message',
  event_id: `$${next()}`,
  sender: '@a:hs',
  content: {},
  unsigned: { age: 1 },
});
const invite = {
  type: 'm.room.member',
  state_key: '@me:hs',
  sender: '@a:hs',
  content: { membership: 'invite' },
};
const limited = { timeline: { limited: true, prev_batch: 't1-1_0', events: [event()] } };

const ENDLESS: Record<string, unknown> = {
  versions: { versions: ['v1.11'], server: { name: 'Synapse' } },
  whoami: { user_id: '@me:hs' },
  sync: {
    next_batch: 's9_0',
    rooms: { join: { '!a:hs': limited }, invite: { '!i:hs': { invite_state: { events: [invite] } } } },
  },
  messages: () => ({ chunk: [], end: `t${next()}-1_0` }),
  stateEvent: { membership: 'join' },
  state: Array.from({ length: 50 }, (_, i) => ({
    type: 'm.room.member',
    state_key: `@u${i}:hs`,
    content: { membership: 'join' },
  })),
  joinedRooms: { joined_rooms: Array.from({ length: 1000 }, (_, i) => `!${i}:hs`) },
  notifications: () => ({ notifications: [], next_token: String(next()) }),
  presence: { presence: 'online' },
  tags: { tags: {} },
  roomVisibility: { visibility: 'public' },
};

/** A hundred pages that show nothing and ten ahead, each with what had happened before; and a look. */
const CATCH_UP = 222;

describe('in front of a homeserver whose pages never end', () => {
  let homeserver: RawHomeserver;
  let gateway: Gateway;

  beforeAll(async () => {
    homeserver = await RawHomeserver.start(ENDLESS);
    gateway = await startGateway(homeserver.url, { homeserverKind: 'synapse' });
  });

  afterAll(async () => {
    await gateway.close();
    await homeserver.close();
  });

  beforeEach(() => {
    homeserver.answers = ENDLESS;
    homeserver.takeCounts();
  });

  async function ask(path: string): Promise<{ chunk: unknown[]; end: string }> {
    const headers = { authorization: `Bearer token${next()}` };
    const response = await fetch(`${gateway.url}/_matrix/client/${path}`, { headers });
    return (await response.json()) as { chunk: unknown[]; end: string };
  }

  test.each<{ path: string; most: Record<string, number> }>([
    {
      path: 'r0/events?from=s1_0&timeout=0',
      most: { whoami: 1, sync: 1, messages: CATCH_UP, notifications: 3 },
    },
    {
      path: 'r0/events?from=s1_0&timeout=300',
      most: { whoami: 1, sync: 1, messages: CATCH_UP, notifications: 3 },
    },
    {
      path: 'r0/events?room_id=!a:hs&from=s1_0&timeout=0',
      most: { whoami: 1, stateEvent: 2, sync: 1, messages: CATCH_UP },
    },
    {
      path: 'r0/rooms/!a:hs/initialSync',
      most: { whoami: 1, stateEvent: 2, sync: 1, messages: 20, state: 1, tags: 1, presence: 50 },
    },
    { path: 'r0/rooms/!a:hs/messages?dir=b&limit=1000', most: { whoami: 1, messages: 6 } },
    { path: 'r0/events/$unknown', most: { whoami: 1, joinedRooms: 1, event: 201 } },
    {
      path: 'r0/initialSync',
      most: { whoami: 1, joinedRooms: 1, sync: 1, notifications: 3, roomVisibility: 1002 },
    },
    {
      path: 'v2_alpha/sync',
      most: { whoami: 1, joinedRooms: 1, sync: 1, notifications: 3, roomVisibility: 1002 },
    },
  ])('$path -> no more calls than are stated', async ({ path, most }) => {
    await ask(path);
    for (const [call, count] of Object.entries(homeserver.takeCounts())) {
      if (call !== 'versions') expect(count, call).toBeLessThanOrEqual(most[call] ?? 0);
    }
  });

  test('one event a page -> as many pages as events are given, and those ahead', async () => {
    homeserver.answers = { ...ENDLESS, messages: () => ({ chunk: [event()], end: `t${next()}-1_0` }) };
    const { chunk } = await ask('r0/events?from=s1_0&timeout=0&limit=20');
    expect(chunk.length).toBeGreaterThanOrEqual(20);
    expect(homeserver.takeCounts()['messages']).toBeLessThanOrEqual(2 * (20 + 10));
  });

  test('followed by its tokens -> each answer goes on behind the last one', async () => {
    const ends = new Set<string>();
    let from = 's1_0';
    for (let answer = 0; answer < 5; answer += 1) {
      from = (await ask(`r0/events?from=${from}&timeout=0`)).end;
      ends.add(from);
    }
    expect(ends.size).toBe(5);
    expect(homeserver.takeCounts()['messages']).toBeLessThanOrEqual(5 * CATCH_UP);
  });
});
