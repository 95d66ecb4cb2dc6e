// The law of the stream (docs/decisions/catch-up.md): following `end` to `from`, however it is cut, retried, or moved between replicas that
// remember nothing of each other, gives each event once and none is missing.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventId, RoomId } from '../../src/matrix/identifiers.ts';
import { Faults } from '../support/sandbox/faults.ts';
import type { SandboxKindName } from '../support/sandbox/kinds/play-kind.ts';
import { createTestSandbox, type TestSandbox } from '../support/sandbox/test-sandbox.ts';
import type { StoredEvent } from '../../src/sandbox/stored-event.ts';
import type { Gateway } from '../support/gateway.ts';
import { Follower, startLawGateway, type HomeserverKindName } from '../support/law-follower.ts';
import { GATEWAYS, history, type Action } from '../support/law-history.ts';

let sandbox: TestSandbox;
let gateways: Gateway[];
let kind: LawKind;

/** In front of which homeserver the law is to hold, and what cannot be had there. */
interface LawKind {
  setting: HomeserverKindName;
  plays?: SandboxKindName;
  /**
   * A fork's event that arrives with a depth below the room's greatest may be missing or come twice, where it does not
   * come in a timeline: pages are by depth, and nothing on this homeserver asks for what arrived late.
   */
  missesLateForks?: true;
  /**
   * Of a room that was left behind more than a hundred events, one may be missing: backwards, who left is given the same
   * hundred again and again, and forwards the first one is left out.
   */
  missesOneOfLeft?: true;
  /** An answer that is given again from its token alone may repeat the last event of the page before. */
  repeatsAfterRebuild?: true;
}

const OTHER_KINDS: LawKind[] = [
  {
    setting: 'dendrite',
    plays: 'dendrite',
    missesLateForks: true,
    repeatsAfterRebuild: true,
    missesOneOfLeft: true,
  },
  { setting: 'tuwunel', plays: 'tuwunel' },
  { setting: 'continuwuity', plays: 'continuwuity' },
  { setting: 'conduit', plays: 'conduit' },
  { setting: 'careful', missesLateForks: true },
  {
    setting: 'careful',
    plays: 'dendrite',
    missesLateForks: true,
    repeatsAfterRebuild: true,
    missesOneOfLeft: true,
  },
  { setting: 'careful', plays: 'continuwuity' },
  { setting: 'careful', plays: 'conduit' },
];

async function begin(given: LawKind): Promise<void> {
  kind = given;
  sandbox = await createTestSandbox(given.plays && { kind: given.plays });
  gateways = await Promise.all(
    Array.from({ length: GATEWAYS }, (_, index) => startLawGateway(sandbox.url, index, given.setting)),
  );
}

async function end(): Promise<void> {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await sandbox.close();
}

async function follow(
  actions: readonly Action[],
  isAlone: boolean,
): Promise<{ follower: Follower; start: number }> {
  const follower = await Follower.start(sandbox, gateways, kind.setting);
  const start = sandbox.homeserver.stream;
  for (const action of actions) await follower.act(action);
  await follower.catchUp(isAlone ? 1 : GATEWAYS);
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

/** Events that arrived when the room had one of a greater or equal depth. */
function lateForks([first]: readonly StoredEvent[]): EventId[] {
  if (first === undefined) return [];
  let highest = 0;
  return sandbox.homeserver.room(first.roomId).timeline.byArrival.flatMap(({ eventId, depth }) => {
    const isLate = depth <= highest;
    highest = Math.max(highest, depth);
    return isLate ? [eventId] : [];
  });
}

/** The same, through one gateway that forgets nothing. */
function onOneGateway(actions: readonly Action[]): Action[] {
  return actions
    .filter((action) => action.do !== 'restart')
    .map((action) => ('gateway' in action ? { ...action, gateway: 0 } : action));
}

function expectOnceAndWhole(
  ids: readonly EventId[],
  happened: readonly StoredEvent[],
  follower: Follower,
  isAlone: boolean,
): void {
  const late = new Set(kind.missesLateForks === true ? lateForks(happened) : []);
  const counted = ids.filter((id) => !late.has(id));
  if (isAlone || kind.repeatsAfterRebuild !== true)
    expect(counted, 'each event once').toEqual([...new Set(counted)]);
  const known = new Set(happened.map(({ eventId }) => eventId));
  expect(
    ids.filter((id) => !known.has(id)),
    'none from before, none invented',
  ).toEqual([]);
  const due = happened.filter((event) => isDue(event, follower) && !late.has(event.eventId));
  const missing = due.filter((event) => !ids.includes(event.eventId));
  const mayMissOne = kind.missesOneOfLeft === true && wasLeftFarOff(happened, follower);
  expect(missing.slice(mayMissOne ? 1 : 0), 'none missing').toEqual([]);
}

function wasLeftFarOff(happened: readonly StoredEvent[], { userId }: Follower): boolean {
  const isLeave = ({ type, stateKey, content }: StoredEvent) =>
    type === 'm.room.member' && stateKey === userId && content['membership'] === 'leave';
  return happened.findLastIndex(isLeave) >= 100;
}

async function expectTheLaw(actions: readonly Action[], isAlone = false): Promise<void> {
  const { follower, start } = await follow(actions, isAlone);
  const forked = new Set(
    actions.flatMap((action) => (action.do === 'fork' ? [follower.rooms[action.room]] : [])),
  );
  for (const roomId of follower.rooms) {
    const happened = eventsSince(roomId, start);
    const received = follower.received.filter((one) => one.roomId === roomId);
    const ids = received.map(({ eventId }) => eventId);

    // A room that refuses gives what its timeline held, which reaches back before a join.
    if (!follower.refused.has(roomId)) expectOnceAndWhole(ids, happened, follower, isAlone);

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
  beforeAll(() => begin({ setting: 'sandbox' }));
  afterAll(end);

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
      await fc.assert(
        fc.asyncProperty(history, (actions) => expectTheLaw(actions)),
        { numRuns: RUNS },
      );
    },
    120_000,
  );
});

/** A late fork is the interval's first event; so many come after it that its beginning is not seen from the leave. */
const FORK_BEFORE_A_LEAVE: Action[] = [
  { do: 'fork', room: 1, lower: 1, times: 1 },
  { do: 'say', room: 1, times: 130 },
  { do: 'leave', room: 1 },
  { do: 'poll', limit: 1, gateway: 0, talksMeanwhile: false },
];

describe.each(OTHER_KINDS)('following /events as $setting, the homeserver playing $plays', (given) => {
  beforeAll(() => begin(given));
  afterAll(end);

  test.each<{ name: string; faults: Partial<Faults> }>([
    { name: 'as it is', faults: {} },
    { name: 'whose timelines hold two events', faults: { timelineLimit: 2 } },
  ])(
    'any history on a homeserver $name -> none missing, each once where the kind allows it',
    async ({ faults }) => {
      Object.assign(sandbox.faults, new Faults(), faults);
      await fc.assert(
        fc.asyncProperty(history, (actions) => expectTheLaw(actions)),
        { numRuns: Math.ceil(RUNS / 4), examples: [[FORK_BEFORE_A_LEAVE]] },
      );
    },
    120_000,
  );

  test('any history, through one gateway that forgets nothing -> each event once, none missing', async () => {
    Object.assign(sandbox.faults, new Faults(), { timelineLimit: 2 });
    const check = async (actions: Action[]) => expectTheLaw(onOneGateway(actions), true);
    await fc.assert(fc.asyncProperty(history, check), { numRuns: Math.ceil(RUNS / 4) });
  }, 120_000);
});
