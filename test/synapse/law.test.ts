// Nothing lost and nothing twice, on a real homeserver: the law of docs/decisions/catch-up.md.

import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { createActions } from '../support/synapse/actions.ts';
import { legacySyncPaths, startBlocker, type Blocker } from '../support/synapse/blocker.ts';
import {
  clientAt,
  logIn,
  register,
  type Client,
  type Json,
  type User,
} from '../support/synapse/synapse-client.ts';
import { follow } from '../support/synapse/events-follower.ts';

const ROOMS = 40;
const EVENTS = 5000;
const SENDERS = 2;
/** Of each sender, at the same time: rooms are written to by several hands at once. */
const LOOPS = 2;
const KILLS = 10;

let blocker: Blocker;
let steady: GatewayProcess;
let killed: GatewayProcess;

const startGateway = (name: string, settings: Record<string, string> = {}): Promise<GatewayProcess> =>
  startGatewayProcess({ name, homeserverUrl: blocker.url, logs: inject('logs'), settings });

beforeAll(async () => {
  blocker = await startBlocker(inject('synapse').behindGatewayUrl, legacySyncPaths);
  [steady, killed] = await Promise.all([startGateway('law-steady'), startGateway('law-killed')]);
});

afterAll(async () => {
  await Promise.all([steady?.stop(), killed?.stop()]);
  await blocker?.close();
});

async function killAndStartAnew(): Promise<void> {
  const { host } = new URL(killed.url);
  await killed.kill();
  killed = await startGateway('law-killed', { HINDSYNC_LISTEN: host });
}

test('when 5,000 events are sent and a gateway is killed ten times -> both followers have what /messages says', async () => {
  const { url } = inject('synapse');
  const act = createActions(url);
  const [observer, ...senders] = await Promise.all([
    register(url, 'law-observer'),
    ...Array.from({ length: SENDERS }, (_, index) => register(url, `law-sender-${index}`)),
  ]);
  const rooms = await Promise.all(
    Array.from({ length: ROOMS }, (_, index) => makeRoom(senders[index % SENDERS] as User)),
  );
  async function makeRoom(creator: User): Promise<string> {
    const others = senders.filter((sender) => sender !== creator);
    return act.createRoom(creator, [...others, observer], { preset: 'public_chat' });
  }
  const start: string = (await clientAt(steady.url, observer).read('v3/initialSync', { limit: 0 })).end;
  const other = await logIn(url, observer.userId);

  const sent = new AbortController();
  const pace = createPace(sent.signal);
  const common = { from: start, sent: sent.signal };
  const following = Promise.all([
    follow({
      ...common,
      url: steady.url,
      user: observer,
      limit: 100,
      untilDue: pace.every([1, 1, 1, 40, 300]),
    }),
    follow({ ...common, url: killed.url, user: other, limit: 7, untilDue: pace.every([1, 90]) }),
  ]);

  // Looked at when all has been sent.
  following.catch(() => undefined);

  /** Uneven on purpose: three rooms overflow every answer, the others hold a few events at a time. */
  const roomOf = (number: number): string =>
    rooms[number % 2 === 0 ? number % 3 : (Math.floor(number / 2) * 7) % ROOMS] as string;
  const leaving = rooms.slice(0, 4);
  const returning = rooms.slice(0, 2);
  let count = 0;
  let kills = 0;
  let killing = Promise.resolve();
  async function sendOn(sender: User): Promise<void> {
    while (count < EVENTS) {
      const number = (count += 1);
      await act.say(sender, roomOf(number), `event ${number}`);
      pace.advance();
      if (number % Math.floor(EVENTS / (KILLS + 1)) === 0 && kills < KILLS) {
        kills += 1;
        killing = killing.then(killAndStartAnew);
      }
      if (number === EVENTS / 4) for (const room of leaving) await act.leave(observer, room);
      if (number === EVENTS / 2) for (const room of returning) await act.join(observer, room);
    }
  }
  await Promise.all(Array.from({ length: LOOPS }, () => senders.map(sendOn)).flat());
  await killing;
  sent.abort();

  const followed = await following;
  for (const room of rooms) {
    const history = await readHistory(act.as(senders[0] as User), room, start);
    const { shown, hidden } = splitByMembership(history, observer.userId);
    for (const { rooms: received } of followed) {
      const eventIds = received.get(room) ?? [];
      expect(new Set(eventIds).size).toBe(eventIds.length);
      expect(eventIds.filter((eventId) => !hidden.has(eventId))).toEqual(shown);
    }
  }
  expect(kills).toBe(KILLS);
  expect(followed[1].failures).toBeGreaterThan(0);
  expect(blocker.blockedCalls).toEqual([]);
}, 900_000);

/** Lets followers fall behind by so many events before they ask again, in turn: what they missed is then a gap. */
function createPace(sent: AbortSignal) {
  let count = 0;
  const waiting = new Set<{ due: number; resolve: () => void }>();
  const wake = (isDue: (due: number) => boolean): void => {
    for (const each of waiting) if (isDue(each.due) && waiting.delete(each)) each.resolve();
  };
  sent.addEventListener('abort', () => wake(() => true));
  return {
    advance: (): void => {
      count += 1;
      wake((due) => due <= count);
    },
    every: (gaps: readonly number[]) => {
      let turn = 0;
      return async (received: number): Promise<void> => {
        if (sent.aborted || received < count) return;
        const due = count + (gaps[turn++ % gaps.length] ?? 0);
        await new Promise<void>((resolve) => waiting.add({ due, resolve }));
      };
    },
  };
}

/** What the homeserver itself says happened in a room after `from`, oldest first. */
async function readHistory(native: Client, roomId: string, from: string): Promise<Json[]> {
  const events: Json[] = [];
  for (let position: string | undefined = from; position !== undefined;) {
    const path = `v3/rooms/${encodeURIComponent(roomId)}/messages`;
    const { chunk, end } = await native.read(path, { dir: 'f', from: position, limit: 1000 });
    events.push(...chunk);
    position = end;
  }
  return events;
}

/**
 * What somebody who was in the room at first must be told of it, and what was said while he was out: that he hears only
 * where a single interval of his holds both his leave and his return.
 */
function splitByMembership(history: readonly Json[], userId: string) {
  const shown: string[] = [];
  const hidden = new Set<string>();
  let isIn = true;
  for (const { event_id: eventId, type, state_key: stateKey, content } of history) {
    const isOwn = type === 'm.room.member' && stateKey === userId;
    if (isOwn) isIn = content.membership === 'join';
    if (isOwn || isIn) shown.push(eventId);
    else hidden.add(eventId);
  }
  return { shown, hidden };
}
