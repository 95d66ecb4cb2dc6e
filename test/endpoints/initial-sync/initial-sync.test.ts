import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { createBotSessions } from '../../../src/endpoints/session/bot-sessions.ts';
import {
  createInitialSyncQueue,
  type InitialSyncQueue,
} from '../../../src/endpoints/initial-sync/initial-sync-queue.ts';
import type { ClientEvent } from '../../../src/matrix/client-event.ts';
import type { EventId, RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import { createEndpointServer } from '../../support/endpoint-server.ts';
import {
  aRefusal,
  FakeHomeserver,
  type FakeAnswers,
  HeldStream,
  inChunks,
} from '../../support/fake-homeserver.ts';
import {
  authorization,
  readToEnd,
  requestOverSocket,
  streamedServices,
} from '../../support/streamed-endpoint.ts';

const running: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
});

const PATH = '/_matrix/client/v3/initialSync';
const anAnswer = {
  next_batch: 's1_2',
  rooms: { join: { '!a:test': { timeline: { events: [{ type: 'm.room.message', event_id: '$1' }] } } } },
};

/** The gateway's endpoint alone, in front of a homeserver that has this initial sync. */
async function start(
  answers: FakeAnswers = {},
  queue: InitialSyncQueue = createInitialSyncQueue({ maxInitialSyncs: 8, initialSyncQueueMs: 60_000 }),
) {
  const homeserver = new FakeHomeserver({
    streamSync: async () => inChunks(anAnswer),
    joinedRooms: async () => ['!a:test'] as RoomId[],
    roomVisibility: async () => 'public',
    notifications: async () => ({}),
    ...answers,
  });
  const { services, eventRooms } = streamedServices(homeserver);
  const app = await createEndpointServer('initial-sync', {
    ...services,
    initialSyncTurns: queue,
    bots: createBotSessions({ maxBytes: 1 << 16 }),
  });
  running.push(app);
  const ask = (query = '', method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({ method, url: `${PATH}${query}`, headers: { authorization } });
  return { app, homeserver, eventRooms, ask, filters: () => filtersOf(homeserver) };
}

const filtersOf = (homeserver: FakeHomeserver) =>
  homeserver.callsOf('streamSync').map(([{ filter }]) => filter);

const request = (app: FastifyInstance) => requestOverSocket(app, PATH);

describe('GET /initialSync', () => {
  test('an access token -> the legacy answer, uncached, and its events are remembered', async () => {
    const { ask: askNow, eventRooms } = await start();
    const answer = await askNow();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.json()).toMatchObject({
      end: 's1_2',
      rooms: [{ room_id: '!a:test', membership: 'join', visibility: 'public' }],
    });
    expect(eventRooms.roomOf('$1' as EventId)).toBe('!a:test');
  });

  test('no access token -> 401 M_MISSING_TOKEN, and the homeserver is not asked', async () => {
    const { app, homeserver } = await start();
    const answer = await app.inject(PATH);
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toEqual({ errcode: 'M_MISSING_TOKEN', error: 'Missing access token' });
    expect(homeserver.asked).toEqual([]);
  });

  test("the homeserver's 401, to whoami or to the sync -> unchanged, and the session is asked for anew", async () => {
    const refusal = aRefusal(401, 'M_UNKNOWN_TOKEN', 'Invalid access token passed.', { soft_logout: true });
    const refuse = () => Promise.reject(refusal);
    for (const answers of [{ whoami: refuse }, { streamSync: refuse }]) {
      const { ask: askNow, homeserver } = await start(answers);
      const answer = await askNow();
      expect(answer.statusCode).toBe(401);
      expect(answer.body).toBe(refusal.body.toString());
      await askNow();
      expect(homeserver.count('whoami')).toBe(2);
    }
  });

  test('a guest -> 403, and no sync', async () => {
    const { ask: askNow, homeserver } = await start({
      whoami: async () => ({ user_id: '@guest:test' as UserId, is_guest: true }),
    });
    const answer = await askNow();
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toEqual({ errcode: 'M_GUEST_ACCESS_FORBIDDEN', error: 'Guest access not allowed' });
    expect(homeserver.count('streamSync')).toBe(0);
  });

  test.each([
    { query: '?limit=x', errcode: 'M_INVALID_PARAM', error: 'Query parameter limit must be an integer' },
    {
      query: '?limit=-1',
      errcode: 'M_INVALID_PARAM',
      error: 'Query parameter limit must be a positive integer.',
    },
    {
      query: '?archived=1',
      errcode: 'M_INVALID_PARAM',
      error: "Boolean query parameter 'archived' must be one of ['true', 'false']",
    },
    { query: '?dir=x', errcode: 'M_INVALID_PARAM', error: "Query parameter 'dir' must be one of ['b', 'f']" },
    { query: '?from=junk', errcode: 'M_UNKNOWN', error: "'from' parameter is invalid" },
    { query: '?to=junk', errcode: 'M_UNKNOWN', error: "'to' parameter is invalid" },
  ])("$query -> 400 in Synapse's words", async ({ query, errcode, error }) => {
    const { ask: askNow, homeserver } = await start();
    const answer = await askNow(query);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toEqual({ errcode, error });
    expect(homeserver.count('streamSync')).toBe(0);
  });

  test('limit, archived and raw -> asked of the homeserver', async () => {
    const { ask: askNow, filters } = await start();
    await askNow('?limit=3&archived=true&raw&from=END&to=s1_2&dir=f');
    expect(JSON.parse(filters()[0] ?? '')).toMatchObject({
      event_format: 'federation',
      room: { include_leave: true, timeline: { limit: 3 } },
    });
  });

  test('presence -> not touched; nothing is asked for longer than it takes', async () => {
    const { ask: askNow, homeserver } = await start();
    await askNow();
    expect(homeserver.callsOf('streamSync')[0]?.[0]).toMatchObject({ setPresence: 'offline', timeoutMs: 0 });
    expect(homeserver.callsOf('streamSync')[0]?.[0]).not.toHaveProperty('since');
  });

  test('HEAD -> whoami only, and headers at once', async () => {
    const { ask: askNow, homeserver } = await start();
    const answer = await askNow('', 'HEAD');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toMatch('application/json');
    expect(answer.body).toBe('');
    expect(homeserver.asked.map(({ name }) => name)).toEqual(['whoami']);
  });

  test('no turn in time -> 429 with Retry-After', async () => {
    const queue = createInitialSyncQueue({ maxInitialSyncs: 1, initialSyncQueueMs: 1 });
    const leave = await queue.enter('other', new AbortController().signal);
    const { ask: askNow } = await start({}, queue);
    const answer = await askNow();
    expect(answer.statusCode).toBe(429);
    expect(answer.json()).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 10_000 });
    expect(answer.headers['retry-after']).toBe('10');
    leave();
  });

  test('answered, refused or cut -> the turn is over', async () => {
    const queue = createInitialSyncQueue({ maxInitialSyncs: 1, initialSyncQueueMs: 60_000 });
    const bodies = [inChunks(anAnswer), inChunks('nonsense'), inChunks(anAnswer)];
    const { ask: askNow } = await start({ streamSync: async () => bodies.shift() ?? inChunks('') }, queue);
    expect((await askNow()).statusCode).toBe(200);
    expect((await askNow()).statusCode).toBe(502);
    expect((await askNow()).statusCode).toBe(200);
    await queue.enter('other', new AbortController().signal);
  });

  test.each([
    { name: '500', error: aRefusal(500, 'M_UNKNOWN', 'Internal server error', { extra: 1 }) },
    { name: '429', error: aRefusal(429, 'M_LIMIT_EXCEEDED', 'Too Many Requests', { retry_after_ms: 5 }) },
  ])("the homeserver's $name -> unchanged", async ({ error }) => {
    const { ask: askNow } = await start({ streamSync: () => Promise.reject(error) });
    const answer = await askNow();
    expect(answer.statusCode).toBe(error.status);
    expect(answer.body).toBe(error.body.toString());
  });

  test('the homeserver breaks off before anything was understood -> the status of its error', async () => {
    const body = new HeldStream();
    const { ask: askNow } = await start({ streamSync: async () => body });
    body.send('{"next_batch":"s1_2","account_data":{"events":[');
    body.fail(aRefusal(500, 'M_UNKNOWN', 'Internal server error'));
    expect((await askNow()).statusCode).toBe(500);
  });

  // Long enough for a first piece to go out.
  const firstRoom = JSON.stringify({
    '!a:test': { timeline: { events: [{ type: 'm.room.message', content: { body: 'x'.repeat(200_000) } }] } },
  }).slice(0, -1);
  const beginning = `{"next_batch":"s1_2","rooms":{"join":${firstRoom}`;

  test('the homeserver breaks off after the answer began -> cut, never closed', async () => {
    const body = new HeldStream();
    const { app } = await start({ streamSync: async () => body });
    body.send(beginning);
    const answer = await request(app);
    expect(answer.statusCode).toBe(200);
    body.fail(new Error('broken off'));
    const { text, isWhole } = await readToEnd(answer);
    expect(isWhole).toBe(false);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
  });

  test('what cannot be read after the answer began -> cut', async () => {
    const body = new HeldStream();
    const { app } = await start({ streamSync: async () => body });
    body.send(beginning);
    const answer = await request(app);
    body.send('}nonsense');
    expect(await readToEnd(answer)).toMatchObject({ isWhole: false });
    await body.abandoned;
  });

  test('an answer that came to its end -> whole', async () => {
    const body = new HeldStream();
    const { app } = await start({ streamSync: async () => body });
    body.send(beginning);
    const answer = await request(app);
    body.send('}}}');
    body.end();
    const { text, isWhole } = await readToEnd(answer);
    expect(isWhole).toBe(true);
    expect(JSON.parse(text)).toMatchObject({ end: 's1_2', receipts: [] });
  });

  test('the client leaves in the midst of the answer -> the call is aborted, the turn over', async () => {
    const body = new HeldStream();
    const queue = createInitialSyncQueue({ maxInitialSyncs: 1, initialSyncQueueMs: 60_000 });
    const { app, homeserver } = await start(
      { streamSync: async (_query, { signal }) => body.during(signal) },
      queue,
    );
    body.send(beginning);
    const answer = await request(app);
    const signal = homeserver.asked.find(({ name }) => name === 'streamSync')?.signal;
    const aborted = new Promise((resolve) => signal?.addEventListener('abort', resolve));
    answer.destroy();
    await aborted;
    await queue.enter('other', new AbortController().signal);
  });

  test('the client leaves before the answer -> the call is aborted', async () => {
    const called = Promise.withResolvers<AbortSignal>();
    const { app } = await start({
      streamSync: (_query, { signal }) => {
        called.resolve(signal as AbortSignal);
        return new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const leaving = get({ port, path: PATH, headers: { authorization }, agent: false });
    leaving.on('error', () => {});
    const signal = await called.promise;
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    leaving.destroy();
    await aborted;
  });

  test('identical calls at once -> the same filter text, so that the homeserver computes once', async () => {
    const { app, filters } = await start({
      streamSync: async (_query, { signal }) => {
        const body = new HeldStream();
        body.send(beginning);
        return body.during(signal);
      },
    });
    const answers = [await request(app), await request(app)];
    expect(filters()).toHaveLength(2);
    expect(new Set(filters()).size).toBe(1);
    for (const answer of answers) answer.destroy();
  });

  test('after a whole delivery -> another filter text that means the same; after a cut -> the same text', async () => {
    const bodies = [inChunks(anAnswer), inChunks('{"next_batch"'), inChunks(anAnswer), inChunks(anAnswer)];
    const { ask: askNow, filters } = await start({ streamSync: async () => bodies.shift() ?? inChunks('') });
    for (let i = 0; i < 4; i += 1) await askNow();
    const [first, second, third, fourth] = filters();
    expect(second).not.toBe(first);
    expect(third).toBe(second);
    expect(fourth).not.toBe(third);
    expect(JSON.parse(fourth ?? '')).toEqual(JSON.parse(first ?? ''));
  });

  // Differs: visibility-may-be-missing
  test('visibility cannot be had -> left out, not made up; joined rooms cannot be had -> still an answer', async () => {
    const refuse = () => Promise.reject(aRefusal(500, 'M_UNKNOWN', 'Internal server error'));
    const { ask: askNow } = await start({ roomVisibility: refuse, joinedRooms: refuse });
    const [room] = (await askNow()).json().rooms;
    expect(room).toMatchObject({ room_id: '!a:test' });
    expect(room).not.toHaveProperty('visibility');
  });

  test('an invite -> its event from the notifications, where they have it', async () => {
    const own: ClientEvent = {
      type: 'm.room.member',
      state_key: '@me:test',
      sender: '@b:test' as UserId,
      content: { membership: 'invite' },
    };
    const invite = {
      '!i:test': { invite_state: { events: [own] } },
      '!j:test': { invite_state: { events: [own] } },
    };
    const { ask: askNow } = await start({
      streamSync: async () => inChunks({ next_batch: 's1_2', rooms: { invite } }),
      notifications: async () => ({
        notifications: [{ room_id: '!i:test' as RoomId, event: { ...own, event_id: '$real' as EventId } }],
      }),
    });
    const { rooms } = (await askNow()).json() as { rooms: { invite: { event_id: string } }[] };
    expect(rooms[0]?.invite.event_id).toBe('$real');
    expect(rooms[1]?.invite.event_id).toMatch(/^\$[\w-]{43}$/);
  });
});
