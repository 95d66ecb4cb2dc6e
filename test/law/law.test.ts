// The law of the stream (design §5): following `end` to `from`, however it is cut, retried, or moved between replicas that
// remember nothing of each other, gives each event once and none is missing.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { Faults } from '../../src/sandbox/faults.ts';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import type { StoredEvent } from '../../src/sandbox/stored-event.ts';
import type { Gateway } from '../gateway.ts';
import { Follower, startLawGateway } from './follower.ts';
import { GATEWAYS, history, type Action } from './history.ts';

let sandbox: Sandbox;
let gateways: Gateway[];

beforeAll(async () => {
  sandbox = await createSandbox();
  gateways = await Promise.all(
    Array.from({ length: GATEWAYS }, (_, index) => startLawGateway(sandbox.url, index)),
  );
});

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await sandbox.close();
});

async function follow(actions: readonly Action[]): Promise<{ follower: Follower; start: number }> {
  const follower = await Follower.start(sandbox, gateways);
  const start = sandbox.homeserver.stream;
  for (const action of actions) await follower.act(action);
  await follower.catchUp();
  return { follower, start };
}

/** What the client must have got: what happened while it was in the room, and its own coming and going. */
function isDue(event: StoredEvent, follower: Follower): boolean {
  const me = follower.userId;
  const isOwn = event.type === 'm.room.member' && event.stateKey === me;
  if (isOwn) return event.content['membership'] === 'join' || event.content['membership'] === 'leave';
  return sandbox.homeserver.room(event.roomId).membership(me, event.stream) === 'join';
}

function eventsSince(roomId: RoomId, start: number): StoredEvent[] {
  return sandbox.homeserver.room(roomId).timeline.byArrival.filter(({ stream }) => stream > start);
}

async function expectTheLaw(actions: readonly Action[]): Promise<void> {
  const { follower, start } = await follow(actions);
  const forked = new Set(
    actions.flatMap((action) => (action.do === 'fork' ? [follower.rooms[action.room]] : [])),
  );
  for (const roomId of follower.rooms) {
    const happened = eventsSince(roomId, start);
    const received = follower.received.filter((one) => one.roomId === roomId);
    const ids = received.map(({ eventId }) => eventId);

    expect(ids, 'each event once').toEqual([...new Set(ids)]);
    const known = new Set(happened.map(({ eventId }) => eventId));
    expect(
      ids.filter((id) => !known.has(id)),
      'none from before, none invented',
    ).toEqual([]);
    if (!follower.refused.has(roomId)) {
      const missing = happened.filter((event) => isDue(event, follower) && !ids.includes(event.eventId));
      expect(missing, 'none missing').toEqual([]);
    }

    const events = received.map(({ eventId, answer }) => ({
      answer,
      event: sandbox.homeserver.events.get(eventId) as StoredEvent,
    }));
    const byArrival = (list: typeof events) => list.toSorted((a, b) => a.event.stream - b.event.stream);
    const byDepth = (list: typeof events) =>
      list.toSorted((a, b) => a.event.depth - b.event.depth || a.event.stream - b.event.stream);
    if (!forked.has(roomId)) expect(events, 'in the order of the room').toEqual(byArrival(events));
    for (const answer of Map.groupBy(events, (one) => one.answer).values()) {
      const text = JSON.stringify(answer);
      const orders = [byArrival(answer), byDepth(answer)].map((order) => JSON.stringify(order));
      expect(orders, 'within an answer in the order of its source').toContain(text);
    }
  }
}

const RUNS = Number(process.env['LAW_RUNS'] ?? 60);

describe('following /events', () => {
  test.each<{ name: string; faults: Partial<Faults> }>([
    { name: 'as it is', faults: {} },
    { name: 'whose timelines hold two events', faults: { timelineLimit: 2 } },
    { name: 'whose pages forget where the reading began', faults: { pagesForgetFrom: true } },
    {
      name: 'that leaves out what is empty, and sends next_batch last',
      faults: { emptySections: 'left out', nextBatch: 'last' },
    },
    { name: 'that sends null for what is empty', faults: { emptySections: 'as null', isStateFirst: true } },
  ])(
    'any history on a homeserver $name, cut and retried anywhere, over replicas -> each event once, none missing, in order',
    async ({ faults }) => {
      Object.assign(sandbox.faults, new Faults(), faults);
      await fc.assert(fc.asyncProperty(history, expectTheLaw), { numRuns: RUNS });
    },
    120_000,
  );
});
