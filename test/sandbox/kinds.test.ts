// The sandbox as other homeservers: the measured behaviour that tests elsewhere rely on.

import { describe, expect, onTestFinished, test } from 'vitest';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { SyncResponse } from '../../src/matrix/sync.ts';
import type { SandboxKindName } from '../support/sandbox/kinds/play-kind.ts';
import { createTestSandbox, type TestSandbox } from '../support/sandbox/test-sandbox.ts';
import { aClient, type Client } from '../support/sandbox/sandbox-client.ts';

interface Page {
  chunk: { event_id: string; unsigned?: object }[];
  start: string;
  end?: string;
}

interface Stage {
  sandbox: TestSandbox;
  client: Client;
  host: UserId;
  roomId: RoomId;
  elsewhere: RoomId;
  messages: (query: Record<string, string | number>) => Promise<{ status: number; body: Page }>;
  now: () => Promise<string>;
  say: (roomId?: RoomId) => string;
}

async function aStage(kind: SandboxKindName): Promise<Stage> {
  const sandbox = await createTestSandbox({ kind });
  onTestFinished(() => sandbox.close());
  const { homeserver } = sandbox;
  const host = homeserver.createUser('host');
  const [roomId, elsewhere] = [0, 1].map(() => homeserver.createRoom(host, { preset: 'public_chat' })) as [
    RoomId,
    RoomId,
  ];
  const client = aClient(sandbox, 'me');
  homeserver.join(client.userId, roomId);
  homeserver.join(client.userId, elsewhere);
  const path = `/rooms/${encodeURIComponent(roomId)}/messages`;
  return {
    sandbox,
    client,
    host,
    roomId,
    elsewhere,
    messages: (query) =>
      client.request<Page>('GET', `${path}?${new URLSearchParams(query as Record<string, string>)}`),
    now: async () => (await client.get<SyncResponse>('/sync?timeout=0')).next_batch,
    say: (room = roomId) => homeserver.say(host, room, 'hi').eventId,
  };
}

const idsIn = ({ body }: { body: Page }) => body.chunk.map(({ event_id }) => event_id);

describe('dendrite', () => {
  test('tokens -> nine numbers behind an s, two behind a t', async () => {
    const { now, messages } = await aStage('dendrite');
    expect(await now()).toMatch(/^s\d+(_\d+){8}$/);
    const { body } = await messages({ dir: 'b', limit: 1 });
    expect(body.start).toBe('t9223372036854775807_9223372036854775807');
    expect(body.end).toMatch(/^t\d+_\d+$/);
  });

  test('a gap after news elsewhere -> its first event is lost, forwards and backwards', async () => {
    const { now, messages, say, elsewhere } = await aStage('dendrite');
    say(elsewhere);
    const from = await now();
    const [, second, third] = [say(), say(), say()];
    const to = await now();
    expect(idsIn(await messages({ dir: 'f', from, to }))).toEqual([second, third]);
    expect(idsIn(await messages({ dir: 'b', from: to, to: from }))).toEqual([third, second]);
  });

  test('a gap after news in the room -> whole', async () => {
    const { now, messages, say } = await aStage('dendrite');
    say();
    const from = await now();
    const sent = [say(), say()];
    expect(idsIn(await messages({ dir: 'f', from, to: await now() }))).toEqual(sent);
  });

  test('the next page forwards -> begins with the last event of the page before', async () => {
    const { now, messages, say } = await aStage('dendrite');
    say();
    const from = await now();
    const sent = [say(), say(), say()];
    const first = await messages({ dir: 'f', from, limit: 2 });
    const second = await messages({ dir: 'f', from: first.body.end ?? '', limit: 2 });
    expect([idsIn(first), idsIn(second)]).toEqual([sent.slice(0, 2), sent.slice(1, 3)]);
  });

  test('backwards from a sync token -> the newest event up to it', async () => {
    const { now, messages, say, elsewhere } = await aStage('dendrite');
    const newest = say();
    say(elsewhere);
    const from = await now();
    say();
    expect(idsIn(await messages({ dir: 'b', from, limit: 1 }))).toEqual([newest]);
  });

  test.each([{ dir: 'f' }, { from: 't1_1' }, { dir: 'f', from: 'junk' }])(
    '/messages with %j -> 400',
    async (query) => {
      expect((await (await aStage('dendrite')).messages(query as Record<string, string>)).status).toBe(400);
    },
  );

  test('a poll behind what happened to others -> comes back at once, without sections', async () => {
    const { sandbox, client, now } = await aStage('dendrite');
    const since = await now();
    sandbox.homeserver.createRoom(sandbox.homeserver.createUser('other'));
    const answer = await client.get<SyncResponse>(`/sync?since=${since}&timeout=60000`);
    expect(Object.keys(answer)).toEqual(['next_batch']);
  });

  test('who only looks -> the whole state, but no single event of it, no members; no room that is closed', async () => {
    const { sandbox, host } = await aStage('dendrite');
    const visibility = (history_visibility: string) => ({
      preset: 'public_chat' as const,
      initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility } }],
    });
    const open = encodeURIComponent(sandbox.homeserver.createRoom(host, visibility('world_readable')));
    const closed = encodeURIComponent(sandbox.homeserver.createRoom(host, visibility('shared')));
    const peeker = aClient(sandbox, 'peeker');
    const statusOf = async (path: string) => (await peeker.request('GET', path)).status;
    expect(await statusOf(`/rooms/${open}/state`)).toBe(200);
    expect(await statusOf(`/rooms/${open}/state/m.room.create/`)).toBe(403);
    expect(await statusOf(`/rooms/${open}/members`)).toBe(403);
    expect(await peeker.request('GET', `/rooms/${closed}/messages?dir=b`)).toMatchObject({
      status: 200,
      body: { chunk: [] },
    });
  });

  test('messages -> without age', async () => {
    const { messages, say } = await aStage('dendrite');
    say();
    expect((await messages({ dir: 'b', limit: 1 })).body.chunk[0]).not.toHaveProperty('unsigned');
  });
});

describe.each(['tuwunel', 'continuwuity', 'conduit'] as const)('%s', (kind) => {
  test('tokens -> numbers on one line', async () => {
    const { sandbox, now, messages, say } = await aStage(kind);
    say();
    const { stream } = sandbox.homeserver;
    expect(await now()).toMatch(/^\d+$/);
    expect((await messages({ dir: 'b', limit: 1 })).body.end).toBe(String(stream));
  });

  test('`to` -> no end, but where an event has that very number: before that event', async () => {
    const { sandbox, messages, say, elsewhere } = await aStage(kind);
    const from = sandbox.homeserver.stream;
    const first = say();
    say(elsewhere);
    const between = sandbox.homeserver.stream;
    const second = say();
    const to = sandbox.homeserver.stream;
    expect(idsIn(await messages({ dir: 'f', from, to: between }))).toEqual([first, second]);
    expect(idsIn(await messages({ dir: 'f', from, to }))).toEqual([first]);
  });

  test('`from` -> exclusive both ways', async () => {
    const { sandbox, messages, say } = await aStage(kind);
    const first = say();
    say();
    const from = sandbox.homeserver.stream;
    const third = say();
    expect(idsIn(await messages({ dir: 'f', from }))).toEqual([third]);
    expect(idsIn(await messages({ dir: 'b', from, limit: 1 }))).toEqual([first]);
  });

  test('a `since` that is junk -> everything from the beginning', async () => {
    const { client, roomId } = await aStage(kind);
    const answer = await client.get<SyncResponse>('/sync?since=junk&timeout=0');
    expect(Object.keys(answer.rooms?.join ?? {})).toContain(roomId);
  });
});

describe('conduit', () => {
  test('an event while a poll waits -> that poll is empty, the next one has it', async () => {
    const { sandbox, client, now, say, roomId } = await aStage('conduit');
    await client.get(`/sync?since=${await now()}&timeout=0`);
    const since = sandbox.homeserver.stream;
    const waiting = client.get<SyncResponse>(`/sync?since=${since}&timeout=5000`);
    while (sandbox.homeserver.polls.size === 0) await new Promise(setImmediate);
    say();
    const answer = await waiting;
    expect(Object.keys(answer)).toEqual(['next_batch']);
    const next = await client.get<SyncResponse>(`/sync?since=${answer.next_batch}&timeout=0`);
    expect(Object.keys(next.rooms?.join ?? {})).toEqual([roomId]);
  });

  test('the same `since` again -> the same answer, also for another filter', async () => {
    const { client, now, say } = await aStage('conduit');
    const first = await now();
    say();
    expect(await now()).toBe(first);
    await client.get(`/sync?since=${first}&timeout=0`);
    expect(await now()).not.toBe(first);
  });

  test('others write while it answers -> in this answer, behind its `next_batch`, and in the next one', async () => {
    const { sandbox, client, now, say, roomId } = await aStage('conduit');
    const since = await now();
    let meanwhile = '';
    sandbox.faults.betweenNextBatchAndTimelines = () => (meanwhile ||= say());
    const eventsIn = ({ rooms }: SyncResponse) =>
      (rooms?.join?.[roomId]?.timeline?.events ?? []).map(({ event_id }) => event_id);
    const first = await client.get<SyncResponse>(`/sync?since=${since}&timeout=0`);
    const next = await client.get<SyncResponse>(`/sync?since=${first.next_batch}&timeout=0`);
    expect(meanwhile).not.toBe('');
    expect([eventsIn(first), eventsIn(next)]).toEqual([[meanwhile], [meanwhile]]);
  });

  test('a left room -> no timeline, the leave in `state`; from the beginning always, asked for or not', async () => {
    const { sandbox, client, now, say, roomId } = await aStage('conduit');
    const since = await now();
    say();
    const { eventId } = sandbox.homeserver.leave(client.userId, roomId);
    for (const query of [`since=${since}&timeout=0`, 'timeout=0']) {
      const { rooms } = await client.get<SyncResponse>(`/sync?${query}`);
      const left = rooms?.leave?.[roomId];
      expect(left?.timeline?.events).toEqual([]);
      expect((left?.state?.events ?? []).map(({ event_id }) => event_id)).toContain(eventId);
    }
  });

  test('login by `user` -> a whole user id, or `identifier`', async () => {
    const { sandbox, client } = await aStage('conduit');
    sandbox.homeserver.createUser('old', { password: 'secret' });
    const login = (who: object) =>
      client.request('POST', '/login', { body: { type: 'm.login.password', password: 'secret', ...who } });
    expect(await login({ user: 'old' })).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_USERNAME' },
    });
    expect(await login({ user: '@old:sandbox.test' })).toMatchObject({ status: 200 });
    expect(await login({ identifier: { type: 'm.id.user', user: 'old' }, user: 'old' })).toMatchObject({
      status: 200,
    });
  });
});

describe('dendrite, to who left', () => {
  test('a page back from anywhere -> begins at the leave', async () => {
    const { sandbox, client, messages, now, say, roomId } = await aStage('dendrite');
    const from = await now();
    const said = say();
    const left = sandbox.homeserver.leave(client.userId, roomId).eventId;
    say();
    expect(idsIn(await messages({ dir: 'b', from, limit: 2 }))).toEqual([left, said]);
  });

  test('a redaction -> invisible, and a page of it alone is empty and leads nowhere', async () => {
    const { sandbox, client, host, roomId, say } = await aStage('dendrite');
    sandbox.homeserver.send(host, roomId, {
      type: 'm.room.history_visibility',
      stateKey: '',
      content: { history_visibility: 'world_readable' },
    });
    const said = say();
    sandbox.homeserver.redact(host, roomId, said as never);
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=`;
    const stranger = aClient(sandbox, 'stranger');
    const [one, two, own] = await Promise.all([
      stranger.get<Page>(`${path}1`),
      stranger.get<Page>(`${path}2`),
      client.get<Page>(`${path}1`),
    ]);
    expect(one.chunk).toEqual([]);
    expect(one).not.toHaveProperty('end');
    expect(two.chunk.map(({ event_id }) => event_id)).toEqual([said]);
    expect(own.chunk).toHaveLength(1);
  });
});
