// Peeking in front of each homeserver that the sandbox plays: what a preview needs, and nothing that would harm.

import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EventId, RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import type { SandboxKindName } from '../../support/sandbox/kinds/play-kind.ts';
import { createTestSandbox, type TestSandbox } from '../../support/sandbox/test-sandbox.ts';
import { startGateway, type Gateway } from '../../support/gateway.ts';

interface PeekKind {
  plays: SandboxKindName;
  setting: 'auto' | 'careful';
}

const KINDS: PeekKind[] = (['dendrite', 'tuwunel', 'continuwuity', 'conduit'] as const).flatMap((plays) => [
  { plays, setting: 'auto' },
  { plays, setting: 'careful' },
]);

interface Events {
  start: string;
  end: string;
  chunk: { event_id: EventId; room_id: RoomId; age: number; content: { body?: string } }[];
}

describe.each(KINDS)('in front of $plays, set to $setting', ({ plays, setting }) => {
  let sandbox: TestSandbox;
  let gateway: Gateway;
  let host: UserId;
  let peeker: UserId;
  let accessToken: string;

  beforeAll(async () => {
    sandbox = await createTestSandbox({ kind: plays });
    gateway = await startGateway(sandbox.url, {
      homeserverKind: setting,
      peekFastestMs: 20,
      peekSlowestMs: 100,
    });
  });

  afterAll(async () => {
    await gateway.close();
    await sandbox.close();
  });

  beforeEach(() => {
    const { homeserver } = sandbox;
    const serial = homeserver.users.size;
    host = homeserver.createUser(`host${serial}`);
    peeker = homeserver.createUser(`peeker${serial}`);
    ({ accessToken } = homeserver.login(peeker));
  });

  async function get<Body>(path: string): Promise<{ status: number; body: Body }> {
    const response = await fetch(`${gateway.url}/_matrix/client/r0${path}`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    return { status: response.status, body: (await response.json()) as Body };
  }

  const peek = (roomId: RoomId, from: string, timeoutMs = 5000) =>
    get<Events>(
      `/events?room_id=${encodeURIComponent(roomId)}&from=${encodeURIComponent(from)}&timeout=${timeoutMs}`,
    );

  const look = (roomId: RoomId, limit = 10) =>
    get<{ messages: Events; state: { type: string }[]; membership?: string }>(
      `/rooms/${encodeURIComponent(roomId)}/initialSync?limit=${limit}`,
    );

  function aRoom(visibility: string): RoomId {
    const content = { history_visibility: visibility };
    const state = { type: 'm.room.history_visibility', state_key: '', content };
    return sandbox.homeserver.createRoom(host, { preset: 'public_chat', initial_state: [state] });
  }

  const say = (roomId: RoomId, body: string) => sandbox.homeserver.say(host, roomId, body).eventId;
  const idsIn = ({ chunk }: Events) => chunk.map(({ event_id }) => event_id);
  const requestsForSync = () =>
    sandbox.requests.filter(({ url }) => url.includes('/sync?') && url.includes('since='));

  /** Resolves when a poll that waits has looked for news once more. */
  async function aProbeOf(roomId: RoomId): Promise<void> {
    const isProbe = ({ url }: { url: string }) =>
      url.includes(encodeURIComponent(roomId)) && url.includes('/messages') && url.includes('limit=1&');
    const count = () => sandbox.requests.filter((request) => isProbe({ url: `${request.url}&` })).length;
    const before = count();
    await vi.waitFor(() => expect(count()).toBeGreaterThan(before));
  }

  test('a room that the world may read -> opens, with its newest event and its state', async () => {
    const roomId = aRoom('world_readable');
    const said = ['one', 'two', 'three'].map((body) => say(roomId, body));

    const { status, body } = await look(roomId, 3);

    expect(status).toBe(200);
    expect(idsIn(body.messages)).toEqual(said);
    expect(body.messages.chunk[0]?.age).toBeGreaterThanOrEqual(0);
    expect(body.state.map(({ type }) => type)).toContain('m.room.create');
  });

  test('events after the look -> arrive once, in order, while other rooms go on; then the poll waits', async () => {
    const roomId = aRoom('world_readable');
    const elsewhere = aRoom('shared');
    say(roomId, 'before');
    say(elsewhere, 'elsewhere');
    const { body: snapshot } = await look(roomId);

    const waiting = peek(roomId, snapshot.messages.end);
    const sent: EventId[] = [];
    for (let i = 0; i < 5; i += 1) {
      sent.push(say(roomId, `live ${i}`));
      say(elsewhere, 'elsewhere');
    }
    const received: EventId[] = [];
    let { body } = await waiting;
    received.push(...idsIn(body));
    while (received.length < sent.length) {
      ({ body } = await peek(roomId, body.end));
      received.push(...idsIn(body));
    }

    expect(received).toEqual(sent);
    expect(body.chunk[0]?.room_id).toBe(roomId);
    expect((await peek(roomId, body.end, 0)).body).toMatchObject({ chunk: [] });
  });

  test('250 events after the look -> all of them, once, in order', async () => {
    const roomId = aRoom('world_readable');
    const { body: snapshot } = await look(roomId);
    const sent = Array.from({ length: 250 }, (_, i) => say(roomId, `${i}`));

    const received: EventId[] = [];
    let { end } = snapshot.messages;
    for (let chunk = ['not yet'] as string[]; chunk.length > 0;) {
      const { body } = await peek(roomId, end, 0);
      chunk = idsIn(body);
      received.push(...(chunk as EventId[]));
      ({ end } = body);
    }

    expect(received).toEqual(sent);
  });

  test('a poll without `from` that comes first -> what happens from then on', async () => {
    const roomId = aRoom('world_readable');
    say(roomId, 'before');
    const { body: first } = await peek(roomId, '', 0);
    expect(first.chunk).toEqual([]);
    const live = say(roomId, 'live');
    expect(idsIn((await peek(roomId, first.end)).body)).toEqual([live]);
  });

  test.each(['shared', 'joined', 'invited'])(
    'a room of visibility %s -> 403 for who is not in it',
    async (visibility) => {
      const roomId = aRoom(visibility);
      say(roomId, 'a secret');
      expect(await look(roomId)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      expect(await peek(roomId, '', 0)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    },
  );

  test('a room that does not exist -> 403, as one that is forbidden', async () => {
    expect(await look('!nothing:sandbox.test' as RoomId)).toMatchObject({ status: 403 });
    expect(await peek('!nothing:sandbox.test' as RoomId, '', 0)).toMatchObject({ status: 403 });
  });

  test('banned from a room that the world may read -> reads as anybody does', async () => {
    const roomId = aRoom('world_readable');
    sandbox.homeserver.join(peeker, roomId);
    sandbox.homeserver.ban(host, roomId, peeker);
    const newest = say(roomId, 'after the ban');
    const { status, body } = await look(roomId);
    expect(status).toBe(200);
    expect(body.membership).toBeUndefined();
    expect(idsIn(body.messages).at(-1)).toBe(newest);
    const live = say(roomId, 'live');
    expect(idsIn((await peek(roomId, body.messages.end)).body)).toEqual([live]);
  });

  test('banned from a room that the world may not read -> 403', async () => {
    const roomId = aRoom('shared');
    sandbox.homeserver.join(peeker, roomId);
    sandbox.homeserver.ban(host, roomId, peeker);
    expect(await look(roomId)).toMatchObject({ status: 403 });
    expect(await peek(roomId, '', 0)).toMatchObject({ status: 403 });
  });

  // Differs: closed-rooms-end-a-peek
  test('the room is closed while a poll waits -> 403, and nothing from then on is shown', async () => {
    const roomId = aRoom('world_readable');
    const { body: snapshot } = await look(roomId);
    const waiting = peek(roomId, snapshot.messages.end, 1000);
    await aProbeOf(roomId);
    sandbox.homeserver.send(host, roomId, {
      type: 'm.room.history_visibility',
      stateKey: '',
      content: { history_visibility: 'joined' },
    });
    say(roomId, 'a secret');

    const answers = [await waiting, await peek(roomId, snapshot.messages.end, 0)];

    expect(JSON.stringify(answers)).not.toContain('a secret');
    expect(JSON.stringify(answers)).not.toContain('m.room.history_visibility');
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
  });

  test('a member follows the room -> from the same look on, without gap or repeat', async () => {
    const roomId = aRoom('shared');
    sandbox.homeserver.join(peeker, roomId);
    const before = say(roomId, 'before');
    const { body: snapshot } = await look(roomId);
    expect(idsIn(snapshot.messages).at(-1)).toBe(before);
    const after = say(roomId, 'after');
    expect(idsIn((await peek(roomId, snapshot.messages.end)).body)).toEqual([after]);
  });

  test('all of this -> never a /sync with `since`, and no legacy endpoint of the homeserver', async () => {
    const roomId = aRoom('world_readable');
    const { body: snapshot } = await look(roomId);
    say(roomId, 'live');
    await peek(roomId, snapshot.messages.end);

    expect(sandbox.requests.length).toBeGreaterThan(0);
    expect(requestsForSync()).toEqual([]);
    expect(sandbox.requests.filter(({ url }) => /\/(?:events\?|initialSync)/.test(url))).toEqual([]);
  });
});
