// A homeserver that answers nonsense never makes an answer of ours that looks right and is not: each value of each of its
// answers exchanged for one of every other type, each key left out.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type Gateway } from '../support/gateway.ts';
import { RawHomeserver } from '../support/raw-homeserver.ts';

const message = {
  type: 'm.room.message',
  event_id: '$1',
  sender: '@a:hs',
  room_id: '!a:hs',
  origin_server_ts: 1,
  content: { body: 'one' },
  unsigned: { age: 1 },
};
const topic = { ...message, type: 'm.room.topic', event_id: '$2', state_key: '', content: { topic: 'T' } };
const member = {
  ...topic,
  type: 'm.room.member',
  event_id: '$3',
  state_key: '@me:hs',
  content: { membership: 'join' },
};
const batch = (...events: unknown[]) => ({ events });

/** What a homeserver says when all is well. */
const GOOD: Record<string, unknown> = {
  versions: {
    versions: ['v1.11'],
    unstable_features: { 'org.matrix.simplified_msc3575': true },
    server: { name: 'Synapse' },
  },
  whoami: { user_id: '@me:hs', device_id: 'D', is_guest: false },
  sync: {
    next_batch: 's2_0',
    account_data: batch({ type: 'm.direct', content: {} }),
    presence: batch({ type: 'm.presence', sender: '@a:hs', content: { presence: 'online' } }),
    rooms: {
      join: {
        '!a:hs': {
          timeline: { limited: false, prev_batch: 't1-1_0', events: [message, member] },
          state: batch(topic),
          ephemeral: batch({ type: 'm.typing', content: { user_ids: [] } }),
          account_data: batch({ type: 'm.tag', content: { tags: {} } }),
        },
        '!b:hs': { timeline: { limited: true, prev_batch: 't1-1_0', events: [message] } },
      },
      invite: {
        '!i:hs': { invite_state: batch({ ...member, content: { membership: 'invite' } }) },
      },
      leave: { '!l:hs': { timeline: { limited: false, prev_batch: 't1-1_0', events: [message] } } },
    },
  },
  slidingSync: {
    pos: '1',
    extensions: {
      receipts: { rooms: { '!a:hs': { type: 'm.receipt', content: {} } } },
      account_data: { rooms: { '!a:hs': [{ type: 'm.tag', content: {} }] } },
    },
  },
  messages: { start: 't1-1_0', chunk: [message, topic] },
  context: { start: 't1-1_0', end: 't2-2_0', event: message },
  event: message,
  stateEvent: { membership: 'join' },
  state: [topic, member],
  members: { chunk: [member] },
  joinedRooms: { joined_rooms: ['!a:hs'] },
  notifications: { notifications: [{ room_id: '!i:hs', ts: 1, event: member }] },
  presence: { presence: 'online', last_active_ago: 1 },
  tags: { tags: { 'm.favourite': { order: 0.5 } } },
  roomSummary: { world_readable: true, membership: 'join' },
  roomVisibility: { visibility: 'public' },
  publicRooms: { chunk: [{ room_id: '!a:hs', num_joined_members: 1 }] },
};

type Check = (answer: Record<string, unknown>) => void;

const isEvent = (event: unknown): void =>
  expect(event).toMatchObject({ type: expect.any(String), content: expect.any(Object) });
const areEvents = (events: unknown): void => {
  expect(events).toBeInstanceOf(Array);
  for (const event of events as { content?: unknown }[]) {
    expect(event).toMatchObject({ type: expect.any(String) });
    expect(typeof (event.content ?? {})).toBe('object');
  }
};
const isToken = (token: unknown): void => {
  expect(token).toEqual(expect.any(String));
  expect(token).not.toBe('');
};
/** One that the gateway takes back. */
const isStreamToken = (token: unknown): void => expect(token).toMatch(/^(?:s\d+_\d+|hsc1\..+)$/);
const isStream: Check = ({ start, chunk, end }) => {
  isToken(start);
  isStreamToken(end);
  areEvents(chunk);
};
const isAccount: Check = ({ rooms, presence, account_data, receipts, end }) => {
  isStreamToken(end);
  for (const list of [presence, account_data, receipts]) areEvents(list);
  for (const room of rooms as { messages: { chunk: unknown; end: unknown }; state: unknown }[]) {
    areEvents(room.messages.chunk);
    areEvents(room.state);
    isToken(room.messages.end);
  }
};
const isDraft: Check = ({ next_batch, rooms }) => {
  isStreamToken(next_batch);
  expect(rooms).toBeInstanceOf(Object);
};
const isRoom: Check = ({ messages, state }) => {
  const { chunk, start, end } = messages as Record<string, unknown>;
  areEvents(chunk);
  areEvents(state);
  isToken(start);
  isToken(end);
};
const isPage: Check = ({ chunk, end }) => {
  areEvents(chunk);
  if (end !== undefined) isToken(end);
};

const ENDPOINTS: { path: string; isValid: Check }[] = [
  { path: 'r0/events?from=s1_0&timeout=0', isValid: isStream },
  { path: 'r0/events?from=s1_0&timeout=0&limit=1', isValid: isStream },
  { path: 'r0/events?timeout=0', isValid: isStream },
  { path: 'r0/events?room_id=!a:hs&from=s1_0&timeout=0', isValid: isStream },
  { path: 'r0/initialSync', isValid: isAccount },
  { path: 'r0/initialSync?archived=true', isValid: isAccount },
  { path: 'v2_alpha/sync', isValid: isDraft },
  { path: 'v2_alpha/sync?since=s1_0', isValid: isDraft },
  { path: 'v2_alpha/sync?limit=5', isValid: isDraft },
  { path: 'r0/rooms/!a:hs/initialSync', isValid: isRoom },
  { path: 'r0/events/$1', isValid: isEvent },
  { path: 'r0/rooms/!a:hs/messages?dir=b&limit=5', isValid: isPage },
];

const OTHERS: unknown[] = [null, 5, 'x', '', true, [], {}, [null], { a: 1 }];

type Path = (string | number)[];

/** Every place in a value. */
function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys: Path = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return [path, ...keys.flatMap((key) => pathsIn((value as Record<string, unknown>)[key], [...path, key]))];
}

/** The value with another one at a place, or with nothing there. */
function changed(value: unknown, [key, ...rest]: Path, change: { to: unknown } | 'left out'): unknown {
  if (key === undefined) return change === 'left out' ? undefined : change.to;
  const inner = changed((value as Record<string, unknown>)[key], rest, change);
  if (Array.isArray(value)) return value.map((item, index) => (index === key ? inner : (item as unknown)));
  return { ...(value as object), [key]: inner };
}

const CHANGES = Object.entries(GOOD).flatMap(([call, answer]) =>
  pathsIn(answer).flatMap((path) =>
    ([...OTHERS.map((to) => ({ to })), 'left out'] as const).map((change) => ({ call, path, change })),
  ),
);

const RUNS = Number(process.env['LAW_RUNS'] ?? 60) * 20;

describe('a homeserver that answers nonsense', () => {
  let homeserver: RawHomeserver;
  let gateway: Gateway;
  let serial = 0;

  beforeAll(async () => {
    homeserver = await RawHomeserver.start(GOOD);
    gateway = await startGateway(homeserver.url, { homeserverKind: 'synapse' });
  });

  afterAll(async () => {
    await gateway.close();
    await homeserver.close();
  });

  /** The answer; undefined where it was cut. Each time as somebody else, so that nothing is remembered. */
  async function ask(path: string): Promise<{ status: number; body: unknown } | undefined> {
    serial += 1;
    const headers = { authorization: `Bearer token${serial}` };
    try {
      const response = await fetch(`${gateway.url}/_matrix/client/${path}`, { headers });
      const text = await response.text();
      return { status: response.status, body: JSON.parse(text) };
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }

  test.each(ENDPOINTS)('$path, all well -> a valid answer', async ({ path, isValid }) => {
    homeserver.answers = GOOD;
    const answer = await ask(path);
    expect(answer?.status).toBe(200);
    isValid(answer?.body as Record<string, unknown>);
  });

  test.each(ENDPOINTS.filter(({ isValid }) => [isStream, isAccount, isDraft].includes(isValid)))(
    '$path, a next_batch that is no token of its kind -> 502, as its client could not come back with it',
    async ({ path }) => {
      homeserver.answers = { ...GOOD, sync: { ...(GOOD['sync'] as object), next_batch: 'a position' } };
      expect(await ask(path)).toMatchObject({ status: 502, body: { errcode: 'M_UNKNOWN' } });
    },
  );

  test('any value of any answer of another type, any key left out -> an error of the homeserver, a cut, or a valid answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ENDPOINTS),
        fc.constantFrom(...CHANGES),
        async (endpoint, wrong) => {
          homeserver.answers = { ...GOOD, [wrong.call]: changed(GOOD[wrong.call], wrong.path, wrong.change) };
          const answer = await ask(endpoint.path);
          if (answer === undefined) return;
          if (answer.status === 200) endpoint.isValid(answer.body as Record<string, unknown>);
          else {
            expect(answer.status).not.toBe(500);
            expect(answer.body).toMatchObject({ errcode: expect.any(String), error: expect.any(String) });
          }
        },
      ),
      { numRuns: RUNS },
    );
  }, 170_000);
});
