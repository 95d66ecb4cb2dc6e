import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { createModernSessions } from '../../../src/caches/modern-sessions.ts';
import { encodeCatchUpToken, encodeRoomToken } from '../../../src/tokens/own-tokens.ts';
import {
  createInitialSyncQueue,
  type InitialSyncQueue,
} from '../../../src/endpoints/initial-sync/initial-sync-queue.ts';
import { createParkedPolls } from '../../../src/endpoints/session/parked-polls.ts';
import { checkSharedDevice } from '../../../src/endpoints/session/shared-device.ts';
import { systemClock } from '../../../src/scheduling/clock.ts';
import type {
  AccessToken,
  EventId,
  MessagesToken,
  RoomId,
  SyncToken,
} from '../../../src/matrix/identifiers.ts';
import { createEndpointServer } from '../../support/endpoint-server.ts';
import {
  aRefusal,
  FakeHomeserver,
  type FakeAnswers,
  HeldStream,
  inChunks,
} from '../../support/fake-homeserver.ts';
import { authorization, requestOverSocket, streamedServices } from '../../support/streamed-endpoint.ts';

const running: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
});

const PREFIX = '/_matrix/client/v2_alpha';
const roomId = '!a:test' as RoomId;
const anAnswer = {
  next_batch: 's1_2',
  rooms: { join: { [roomId]: { timeline: { events: [{ type: 't', event_id: '$1' }], prev_batch: 'p' } } } },
};
const nothingNew = { rooms: { joined: {}, invited: {}, archived: {} }, presence: { events: [] } };

/** The gateway's endpoint alone, in front of a homeserver that has this sync. */
async function start(
  answers: FakeAnswers = {},
  queue: InitialSyncQueue = createInitialSyncQueue({ maxInitialSyncs: 8, initialSyncQueueMs: 60_000 }),
) {
  const homeserver = new FakeHomeserver({
    streamSync: async () => inChunks(anAnswer),
    roomVisibility: async () => 'public',
    notifications: async () => ({}),
    ...answers,
  });
  const { services, identities, eventRooms } = streamedServices(homeserver);
  const modernSessions = createModernSessions({ maxBytes: 1 << 16 });
  const parkedPolls = createParkedPolls({ pollsPerSession: 1, clock: systemClock });
  const app = await createEndpointServer('v2-alpha-sync', {
    ...services,
    initialSyncTurns: queue,
    parkedPolls,
    maxPollTimeoutMs: 60_000,
    checkSharedDevice: (session, asked) =>
      checkSharedDevice(session, asked, { modernSessions, refuseSharedDevices: true }),
    meansModernSync: () => false,
  });
  running.push(app);
  const ask = (query: Record<string, string> = {}, method: 'GET' | 'HEAD' | 'POST' = 'GET') =>
    app.inject({ method, url: `${PREFIX}/sync?${new URLSearchParams(query)}`, headers: { authorization } });
  const makeFilter = (payload: string) =>
    app.inject({
      method: 'POST',
      url: `${PREFIX}/user/@me:test/filter`,
      headers: { authorization },
      payload,
    });
  const noteModernClient = () => modernSessions.note(identities.tokenKeyOf('token' as AccessToken));
  return { app, homeserver, eventRooms, parkedPolls, ask, makeFilter, noteModernClient };
}

/** What the homeserver was asked, each time. */
const askedOf = (homeserver: FakeHomeserver) =>
  homeserver.callsOf('streamSync').map(([{ filter, ...query }]) => ({ ...query, filter: filter.trim() }));

describe('GET /v2_alpha/sync', () => {
  test('an access token -> draft B, uncut, and its events are remembered', async () => {
    const { ask, eventRooms } = await start();
    const answer = await ask();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.json()).toEqual({
      next_batch: 's1_2',
      presence: { events: [] },
      rooms: {
        joined: {
          [roomId]: {
            event_map: { $1: { type: 't' } },
            timeline: { events: ['$1'], limited: false, prev_batch: 'p' },
            state: { events: [] },
            ephemeral: { events: [] },
          },
        },
        invited: {},
        archived: {},
      },
    });
    expect(eventRooms.roomOf('$1' as EventId)).toBe(roomId);
  });

  test('no access token -> 401 M_MISSING_TOKEN', async () => {
    const { app, homeserver } = await start();
    const answer = await app.inject(`${PREFIX}/sync`);
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toEqual({ errcode: 'M_MISSING_TOKEN', error: 'Missing access token' });
    expect(homeserver.asked).toEqual([]);
  });

  // Differs: draft-a-needs-no-limit
  test.each([{ limit: '5' }, { gap: 'true' }, { sort: 'timeline,asc' }, { backfill: 'false' }])(
    'a query that only draft A had (%o) -> draft A, with so many newest events',
    async (query) => {
      const { ask, homeserver } = await start();
      expect((await ask(query)).json()).toMatchObject({
        next_batch: 's1_2',
        public_user_data: [],
        private_user_data: [],
        rooms: [{ room_id: roomId, events: { batch: ['$1'], prev_batch: 'p' }, published: true }],
      });
      const { filter } = askedOf(homeserver)[0] ?? { filter: '' };
      expect(JSON.parse(filter)).toEqual({
        account_data: { types: [] },
        room: { timeline: { limit: 'limit' in query ? 5 : 10 } },
      });
    },
  );

  test.each([
    { query: { timeout: 'x' }, error: 'Query parameter timeout must be an integer' },
    { query: { timeout: '-1' }, error: 'Query parameter timeout must be a positive integer.' },
    { query: { limit: 'x' }, error: 'Query parameter limit must be an integer' },
    { query: { limit: '-1' }, error: 'Query parameter limit must be a positive integer.' },
    {
      query: { full_state: '1' },
      error: "Boolean query parameter 'full_state' must be one of ['true', 'false']",
    },
  ])('$query -> 400 M_INVALID_PARAM', async ({ query, error }) => {
    const { ask } = await start();
    const answer = await ask(query as Record<string, string>);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toEqual({ errcode: 'M_INVALID_PARAM', error });
  });

  test.each([
    'junk',
    '',
    'hsc1.junk',
    'hsr1.junk',
    encodeRoomToken({ roomId, eventId: null, side: 'after' }),
  ])('since=%s -> 400 M_UNKNOWN, and the homeserver is not asked', async (since) => {
    const { ask, homeserver } = await start();
    const answer = await ask({ since });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toEqual({ errcode: 'M_UNKNOWN', error: 'Invalid stream token' });
    expect(homeserver.count('streamSync')).toBe(0);
  });

  const catchUp = {
    from: 's7_1' as SyncToken,
    to: 's9_1' as SyncToken,
    roomId,
    page: null,
    lastEventId: null,
  };
  test.each([
    { name: "the homeserver's own", since: 's7_1', expected: 's7_1' },
    { name: 'one of a catch-up', since: encodeCatchUpToken(catchUp), expected: 's7_1' },
    {
      name: 'one of a room',
      since: encodeRoomToken({ roomId, eventId: '$1' as EventId, side: 'after' }),
      expected: 's4_1',
    },
    { name: "the homeserver's own of a room", since: 't3-4_1', expected: 's4_1' },
  ])('a token, $name -> its position', async ({ since, expected }) => {
    const { ask, homeserver } = await start({
      context: async () => ({ start: 't2-3_1' as MessagesToken, end: 't3-4_1' as MessagesToken }),
    });
    expect((await ask({ since })).statusCode).toBe(200);
    expect(askedOf(homeserver)[0]?.since).toBe(expected);
  });

  test('timeout, set_presence, full_state and the id of a filter -> passed on', async () => {
    const { ask, homeserver } = await start();
    await ask({ since: 's1', timeout: '5000', set_presence: 'offline', full_state: 'true', filter: '7' });
    await ask({ since: 's1', timeout: '999999', set_presence: 'idle' });
    expect(askedOf(homeserver)).toEqual([
      { since: 's1', timeoutMs: 5000, setPresence: 'offline', fullState: true, filter: '7' },
      {
        since: 's1',
        timeoutMs: 60_000,
        setPresence: 'online',
        fullState: false,
        filter: '{"account_data":{"types":[]}}',
      },
    ]);
  });

  test('a whole account was given -> the next one is not the same request, which some answer from a cache', async () => {
    const { ask, homeserver } = await start();
    await ask();
    await ask();
    const [first, second] = askedOf(homeserver);
    expect(first).not.toEqual(second);
  });

  test('a filter that the homeserver does not know -> none, as in the drafts', async () => {
    const { ask, homeserver } = await start({
      streamSync: async ({ filter }) => {
        if (filter === '7') throw aRefusal(400, 'M_INVALID_PARAM', 'No such filter');
        return inChunks(anAnswer);
      },
    });
    expect((await ask({ filter: '7' })).statusCode).toBe(200);
    expect(homeserver.count('streamSync')).toBe(2);
  });

  test('draft A with the id of a filter -> that filter, with the limit of the query', async () => {
    const { ask, homeserver } = await start({
      request: async () => ({ room: { state: { types: [] }, timeline: { limit: 3, types: ['t'] } } }),
    });
    await ask({ filter: '7', limit: '2' });
    expect(homeserver.callsOf('request')[0]?.[0]).toEqual({
      method: 'GET',
      path: 'user/%40me%3Atest/filter/7',
    });
    expect(JSON.parse(askedOf(homeserver)[0]?.filter ?? '')).toMatchObject({
      room: { state: { types: [] }, timeline: { limit: 2, types: ['t'] } },
    });
  });

  test("the homeserver's error before the answer begins -> unchanged", async () => {
    const { ask } = await start({
      streamSync: async () => {
        throw aRefusal(429, 'M_LIMIT_EXCEEDED', 'Too many requests', { retry_after_ms: 7 });
      },
    });
    const answer = await ask({ since: 's1', timeout: '1000' });
    expect(answer.statusCode).toBe(429);
    expect(answer.json()).toEqual({
      errcode: 'M_LIMIT_EXCEEDED',
      error: 'Too many requests',
      retry_after_ms: 7,
    });
  });

  test('an answer that cannot be read -> 502', async () => {
    const { ask } = await start({ streamSync: async () => inChunks('nonsense') });
    expect((await ask()).statusCode).toBe(502);
  });

  test('an answer that fails after it began -> is cut', async () => {
    const stream = new HeldStream();
    const { app } = await start({ streamSync: async () => stream });
    const events = Array.from({ length: 2000 }, (_, i) => ({
      type: 'm.room.message',
      event_id: `$${i}`,
      content: {},
    }));
    stream.send(`{"rooms":{"join":{"!a":{"timeline":{"events":${JSON.stringify(events)}}}`);
    const answer = await requestOverSocket(app, `${PREFIX}/sync`);
    stream.fail(new Error('gone'));
    const read = async () => {
      for await (const chunk of answer) void chunk;
    };
    await expect(read()).rejects.toThrow('aborted');
    expect(answer.complete).toBe(false);
  });

  test("the client leaves while it waits -> the homeserver's request is aborted", async () => {
    const asked = Promise.withResolvers<AbortSignal>();
    const { app } = await start({
      streamSync: (_query, { signal }) => {
        asked.resolve(signal as AbortSignal);
        return new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
    });
    const leaving = new AbortController();
    const answer = requestOverSocket(app, `${PREFIX}/sync?since=s1&timeout=30000`, leaving.signal);
    const signal = await asked.promise;
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await aborted;
  });

  /** Waits until the signal is aborted. */
  const waiting: FakeAnswers['streamSync'] = async (_query, { signal }) => {
    signal?.throwIfAborted();
    return new HeldStream().during(signal);
  };

  test.each([
    { name: 'B', query: {}, expected: { next_batch: 's1', ...nothingNew } },
    {
      name: 'A',
      query: { limit: '1' },
      expected: { next_batch: 's1', rooms: [], public_user_data: [], private_user_data: [] },
    },
  ])('draft $name, the gateway drains -> nothing new, and the own token', async ({ query, expected }) => {
    const asked = Promise.withResolvers<void>();
    const { ask, parkedPolls } = await start({
      streamSync: (...args) => {
        asked.resolve();
        return waiting(...args);
      },
    });
    const answer = ask({ since: 's1', timeout: '30000', ...query });
    await asked.promise;
    parkedPolls.releaseAll();
    expect((await answer).json()).toEqual(expected);
  });

  test('too many polls of a session -> the newest waits, and is asked when the one before was answered', async () => {
    const asked: (string | undefined)[] = [];
    const first = new HeldStream();
    const { ask, parkedPolls } = await start({
      streamSync: async ({ since }) => {
        asked.push(since);
        return since === 's1' ? first : inChunks({ next_batch: 's3' });
      },
    });
    const answers = [ask({ since: 's1', timeout: '30000' })];
    await expect.poll(() => asked).toEqual(['s1']);
    answers.push(ask({ since: 's2', timeout: '30000' }));
    await expect.poll(() => parkedPolls.size).toBe(2);
    expect(asked).toEqual(['s1']);
    first.send('{"next_batch":"s2"}');
    first.end();
    expect((await Promise.all(answers)).map((answer) => answer.json().next_batch)).toEqual(['s2', 's3']);
  });

  test('a whole account -> waits its turn, and gives it on', async () => {
    const queue = createInitialSyncQueue({ maxInitialSyncs: 1, initialSyncQueueMs: 60_000 });
    const { ask } = await start({}, queue);
    expect((await Promise.all([ask(), ask(), ask()])).map(({ statusCode }) => statusCode)).toEqual([
      200, 200, 200,
    ]);
    await expect.poll(() => queue.running).toBe(0);
  });

  test('a poll of a session that a modern client uses -> refused, where that is set', async () => {
    const { ask, noteModernClient } = await start();
    noteModernClient();
    expect((await ask({ since: 's1' })).statusCode).toBe(403);
    expect((await ask()).statusCode).toBe(200);
  });

  test('HEAD -> the access token is checked, and nothing else; other methods -> 405', async () => {
    const { ask, homeserver } = await start();
    expect((await ask({}, 'HEAD')).statusCode).toBe(200);
    expect((await ask({}, 'POST')).statusCode).toBe(405);
    expect(homeserver.asked.map(({ name }) => name)).toEqual(['whoami']);
  });
});

describe('POST /v2_alpha/user/{userId}/filter', () => {
  test("a filter of the time -> the homeserver's, in today's names", async () => {
    const { makeFilter, homeserver } = await start({ request: async () => ({ filter_id: '3' }) });
    const answer = await makeFilter('{"room":{"events":{"limit":3}},"public_user_data":{"types":[]}}');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ filter_id: '3' });
    expect(homeserver.callsOf('request')[0]?.[0]).toEqual({
      method: 'POST',
      path: 'user/%40me%3Atest/filter',
      query: new URLSearchParams(),
      body: { room: { timeline: { limit: 3 } }, presence: { types: [] } },
    });
  });

  test.each([
    { payload: '{', expected: { errcode: 'M_NOT_JSON', error: 'Content not JSON.' } },
    { payload: '', expected: { errcode: 'M_NOT_JSON', error: 'Content not JSON.' } },
    { payload: '[]', expected: { errcode: 'M_BAD_JSON', error: 'Content must be a JSON object.' } },
  ])('a body that is no filter ($payload) -> 400', async ({ payload, expected }) => {
    const { makeFilter } = await start();
    const answer = await makeFilter(payload);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toEqual(expected);
  });

  test("the homeserver's refusal -> unchanged", async () => {
    const { makeFilter } = await start({
      request: async () => {
        throw aRefusal(403, 'M_FORBIDDEN', 'Cannot create filters for other users');
      },
    });
    expect((await makeFilter('{}')).statusCode).toBe(403);
  });
});
