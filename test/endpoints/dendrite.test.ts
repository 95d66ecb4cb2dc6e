// What a real Dendrite did to old clients, story by story, as the sandbox plays it (docs/homeservers.md). The law
// (test/law) covers what is lost and what comes twice.

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { SyncResponse } from '../../src/matrix/sync.ts';
import { startGateway } from '../support/gateway.ts';
import { useSandboxStage } from '../support/sandbox/sandbox-stage.ts';

const stage = useSandboxStage({
  plays: 'dendrite',
  each: true,
  settings: { peekFastestMs: 10, peekSlowestMs: 10 },
});

interface Events {
  start: string;
  end: string;
  chunk: { event_id: EventId; type: string; unsigned?: { redacted_because?: object } }[];
}
interface Snapshot {
  messages: Events;
}

let host: UserId;
let me: UserId;
let accessToken: string;

beforeEach(() => {
  const { homeserver } = stage.sandbox;
  host = homeserver.createUser('host');
  me = homeserver.createUser('me');
  ({ accessToken } = homeserver.login(me));
});

function aRoom(visibility = 'world_readable'): RoomId {
  const content = { history_visibility: visibility };
  const state = { type: 'm.room.history_visibility', state_key: '', content };
  return stage.sandbox.homeserver.createRoom(host, { preset: 'public_chat', initial_state: [state] });
}

async function get<Body>(path: string): Promise<Body> {
  const response = await fetch(`${stage.gateway.url}/_matrix/client/r0${path}`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
}

const pathOf = (roomId: RoomId) => `/rooms/${encodeURIComponent(roomId)}`;
const look = (roomId: RoomId, limit = 5) => get<Snapshot>(`${pathOf(roomId)}/initialSync?limit=${limit}`);
const peek = (roomId: RoomId, from: string, timeoutMs = 0) =>
  get<Events>(`/events?room_id=${encodeURIComponent(roomId)}&from=${from}&timeout=${timeoutMs}`);
const say = (roomId: RoomId, body = 'hi') => stage.sandbox.homeserver.say(host, roomId, body).eventId;
const sayMany = (roomId: RoomId, count: number) =>
  Array.from({ length: count }, (_, i) => say(roomId, `${i}`));
const idsIn = ({ chunk }: Events) => chunk.map(({ event_id }) => event_id);
const syncs = () => stage.sandbox.requests.filter(({ url }) => url.includes('/sync?')).length;
const pages = () => stage.sandbox.requests.filter(({ url }) => url.includes('/messages?')).length;

/** All events from here on, a few at a time. */
async function follow(path: string, from: string, limit: number): Promise<EventId[]> {
  const received: EventId[] = [];
  for (let next = from; ;) {
    const answer = await get<Events>(`${path}&from=${encodeURIComponent(next)}&limit=${limit}&timeout=0`);
    received.push(...idsIn(answer).filter((id) => id !== undefined));
    if (answer.end === next) return received;
    next = answer.end;
  }
}

test('story 1: a redaction in a previewed room, then a message -> the message alone', async () => {
  const roomId = aRoom();
  const [victim] = sayMany(roomId, 30);
  const { messages } = await look(roomId);
  stage.sandbox.homeserver.redact(host, roomId, victim as EventId);
  const live = say(roomId, 'live');

  expect(idsIn(await peek(roomId, messages.end))).toEqual([live]);
});

test.each([1, 9, 60, 250])(
  'story 1: %i redactions, and a look that begins among them -> what came after, never the whole room',
  async (count) => {
    const roomId = aRoom();
    const said = sayMany(roomId, 300);
    const redact = (from: number, to: number) =>
      said.slice(from, to).forEach((id) => stage.sandbox.homeserver.redact(host, roomId, id));
    redact(0, Math.ceil(count / 2));
    const { messages } = await look(roomId);
    redact(Math.ceil(count / 2), count);
    const live = [say(roomId, 'one'), say(roomId, 'two')];

    expect(await follow(`/events?room_id=${encodeURIComponent(roomId)}`, messages.end, 100)).toEqual(live);
  },
);

test.each([60, 150, 350])(
  'story 1: %i redactions between two messages -> both messages, once',
  async (count) => {
    const roomId = aRoom();
    const said = sayMany(roomId, count);
    const { messages } = await look(roomId);
    const first = say(roomId, 'one');
    said.forEach((id) => stage.sandbox.homeserver.redact(host, roomId, id));
    const live = [first, say(roomId, 'two')];
    expect(await follow(`/events?room_id=${encodeURIComponent(roomId)}`, messages.end, 100)).toEqual(live);
  },
);

test('story 1b: a redaction is the newest event -> an idle preview costs what an idle preview costs', async () => {
  const roomId = aRoom();
  const [victim] = sayMany(roomId, 30);

  /** How many pages it takes to look for news thirty times. */
  async function costOfSilence(): Promise<{ syncs: number; pages: number }> {
    const { end } = (await look(roomId)).messages;
    const before = { syncs: syncs(), pages: pages(), probes: await probesSoFar() };
    const waiting = peek(roomId, end, 5000);
    await vi.waitFor(async () => expect((await probesSoFar()) - before.probes).toBeGreaterThan(30), 5000);
    const cost = { syncs: syncs() - before.syncs, pages: pages() - before.pages };
    const probes = (await probesSoFar()) - before.probes;
    say(roomId, 'ends it');
    await waiting;
    return { syncs: cost.syncs, pages: Math.round((30 * cost.pages) / probes) };
  }

  const usual = await costOfSilence();
  stage.sandbox.homeserver.redact(host, roomId, victim as EventId);
  const afterRedaction = await costOfSilence();

  expect(afterRedaction.syncs).toBe(usual.syncs);
  // A little more to begin with: where the newest event is that can be seen.
  expect(afterRedaction.pages).toBeLessThanOrEqual(usual.pages + 5);
});

async function probesSoFar(): Promise<number> {
  const text = await (await fetch(`${stage.gateway.internalUrl}/metrics`)).text();
  return Number(/^hindsync_peek_probes_total (\d+)$/m.exec(text)?.[1] ?? 0);
}

test('story 2: the redaction itself -> not shown to who only looks; the event is, redacted', async () => {
  const roomId = aRoom();
  const victim = say(roomId);
  stage.sandbox.homeserver.redact(host, roomId, victim);
  const { messages } = await look(roomId);
  expect(messages.chunk.map(({ type }) => type)).not.toContain('m.room.redaction');
  expect(messages.chunk.find(({ event_id }) => event_id === victim)?.unsigned).toHaveProperty(
    'redacted_because',
  );
});

test('story 3: federation off -> recognised all the same', async () => {
  stage.sandbox.faults.isFederating = false;
  const other = await startGateway(stage.sandbox.url);
  onTestFinished(() => other.close());
  const ask = (from: string) =>
    fetch(`${other.url}/_matrix/client/r0/events?timeout=0&from=${from}`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
  expect((await ask('s72_0_0_0_1_5_0_28_3')).status).toBe(200);
  // A shape that Dendrite alone refuses.
  expect((await ask('s72_0_0')).status).toBe(400);
});

test('story 4: a page back to the beginning -> m.room.create once', async () => {
  const roomId = aRoom();
  stage.sandbox.homeserver.join(me, roomId);
  const { messages } = await look(roomId, 100);
  const creations = messages.chunk.filter(({ type }) => type === 'm.room.create');
  expect(creations).toHaveLength(1);
});

test.each([1, 3, 5, 100])(
  'story 4: back page by page, limit %i -> each event once, and an end',
  async (limit) => {
    const roomId = aRoom();
    stage.sandbox.homeserver.join(me, roomId);
    sayMany(roomId, 7);
    const received: EventId[] = [];
    for (let from: string | undefined = ''; from !== undefined;) {
      const start: string = from === '' ? '' : `&from=${encodeURIComponent(from)}`;
      const page: Events = await get<Events>(`${pathOf(roomId)}/messages?dir=b&limit=${limit}${start}`);
      received.push(...idsIn(page));
      from = page.end;
    }
    const all = stage.sandbox.homeserver.room(roomId).timeline.byArrival.map(({ eventId }) => eventId);
    expect(received).toEqual(all.toReversed());
  },
);

test.each([1, 2, 3, 100])(
  'story 6: a room left during the gap, limit %i -> what came before, and the leave',
  async (limit) => {
    const roomId = aRoom('shared');
    const elsewhere = aRoom('shared');
    for (const room of [roomId, elsewhere]) stage.sandbox.homeserver.join(me, room);
    say(roomId, 'before');
    say(elsewhere, 'before');
    const { end } = await get<Events>('/events?timeout=0');
    const missed = [...sayMany(roomId, 5), stage.sandbox.homeserver.leave(me, roomId).eventId];
    say(roomId, 'after the leave');

    expect(await follow('/events?', end, limit)).toEqual(missed);
  },
);

test.each(['/events?', 'initialSync'])(
  'story 7: paging back from the start of a whole room, by %s -> an empty page',
  async (by) => {
    const roomId = aRoom('shared');
    stage.sandbox.homeserver.join(me, roomId);
    const { messages } =
      by === 'initialSync'
        ? await look(roomId, 100)
        : ((await get<{ rooms: Snapshot[] }>('/initialSync?limit=100')).rooms[0] as Snapshot);
    const page = await get<Events>(
      `${pathOf(roomId)}/messages?dir=b&from=${encodeURIComponent(messages.start)}`,
    );
    expect(page.chunk).toEqual([]);
    expect(page).not.toHaveProperty('end');
  },
);

test('story 8a: *now*, with many rooms -> none of their events is asked for', async () => {
  for (let i = 0; i < 20; i += 1) stage.sandbox.homeserver.join(me, aRoom('shared'));
  await get<Events>('/events?timeout=0');
  const asked = stage.sandbox.requests.find(({ url }) => url.includes('/sync?'))?.url ?? '';
  const again = await fetch(`${stage.sandbox.url}${asked}`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  const answer = (await again.json()) as SyncResponse;
  const rooms = Object.values(answer.rooms?.join ?? {});
  expect(
    rooms.flatMap((room) => [...(room?.timeline?.events ?? []), ...(room?.state?.events ?? [])]),
  ).toEqual([]);
});
