// GET /events through real sockets, in front of the sandbox and its faults.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import { Faults } from '../../support/sandbox/faults.ts';
import { startGateway } from '../../support/gateway.ts';
import { joinRoom } from '../../support/joined-room.ts';
import { useSandboxStage } from '../../support/sandbox/sandbox-stage.ts';

const stage = useSandboxStage();

let host: UserId;
let me: UserId;
let accessToken: string;
let roomId: RoomId;

beforeEach(() => {
  ({ host, me, accessToken, roomId } = joinRoom(stage.sandbox));
});

let endFault = (): void => {};
afterEach(() => {
  endFault();
  endFault = () => {};
  Object.assign(stage.sandbox.faults, new Faults());
});

interface Events {
  status: number;
  headers: Headers;
  json: { start: string; end: string; chunk: Record<string, unknown>[]; errcode?: string; error?: string };
}

async function ask(
  query: string,
  init: RequestInit & { url?: string; prefix?: string } = {},
): Promise<Events> {
  const { url = stage.gateway.url, prefix = 'r0', ...rest } = init;
  const response = await fetch(`${url}/_matrix/client/${prefix}/events?${query}`, {
    headers: { authorization: `Bearer ${accessToken}` },
    ...rest,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    json: text === '' ? undefined : JSON.parse(text),
  };
}

/** Where the stream stands now, after the presence that asking for it makes. */
async function now(): Promise<string> {
  return (await ask(`from=${(await ask('timeout=0')).json.end}&timeout=0`)).json.end;
}

const bodies = ({ json }: Events) => json.chunk.map(({ content }) => (content as { body?: string }).body);

/** Resolves when so many polls wait at the stage.sandbox. */
async function untilWaiting(count: number): Promise<void> {
  while (stage.sandbox.homeserver.polls.size < count) await new Promise((resolve) => setImmediate(resolve));
}

describe('parameters', () => {
  test.each([
    { query: 'from=bad', errcode: 'M_UNKNOWN', error: "'from' parameter is invalid" },
    { query: 'from=START', errcode: 'M_UNKNOWN', error: "'from' parameter is invalid" },
    { query: 'from=s72594_4483_1934', errcode: 'M_UNKNOWN', error: "'from' parameter is invalid" },
    { query: 'timeout=x', errcode: 'M_UNKNOWN', error: 'timeout must be in milliseconds.' },
    { query: 'timeout=1.5', errcode: 'M_UNKNOWN', error: 'timeout must be in milliseconds.' },
    { query: 'limit=x', errcode: 'M_INVALID_PARAM', error: 'Query parameter limit must be an integer' },
    {
      query: 'limit=-1',
      errcode: 'M_INVALID_PARAM',
      error: 'Query parameter limit must be a positive integer.',
    },
  ])('$query -> 400 with the words of Synapse', async ({ query, errcode, error }) => {
    expect(await ask(query)).toMatchObject({ status: 400, json: { errcode, error } });
  });

  test.each(['', 'from=', 'from=END'])('%j -> from now on', async (query) => {
    stage.sandbox.homeserver.say(host, roomId, 'before');
    const { status, json } = await ask(`${query}&timeout=0`);
    expect(status).toBe(200);
    expect(json.start).toMatch(/^sbx_/);
    expect(json.chunk.filter(({ type }) => type !== 'm.presence')).toEqual([]);
  });

  test('nothing new -> end is start, to the letter', async () => {
    const from = await now();
    expect((await ask(`from=${from}&timeout=0`)).json).toEqual({ chunk: [], start: from, end: from });
  });

  test.each(['api/v1', 'r0', 'v3', 'v1', 'unstable', 'v2_alpha'])(
    'the prefix %s -> answered',
    async (prefix) => {
      expect((await ask('timeout=0', { prefix })).status).toBe(200);
    },
  );

  test.each(['events', 'initialSync', 'v2_alpha/sync'])(
    'presence that %s told of -> in the presence list of 2014, one event a user',
    async (told) => {
      const { accessToken: theirs } = stage.sandbox.homeserver.login(host);
      const { end } = (await ask('timeout=0')).json;
      const listOf = async (userId: UserId) => {
        const path = `presence/list/${encodeURIComponent(userId)}`;
        const headers = { authorization: `Bearer ${accessToken}` };
        return (await fetch(`${stage.gateway.url}/_matrix/client/api/v1/${path}`, { headers })).json();
      };
      expect(await listOf(me)).toEqual([]);
      for (const status_msg of ['first', 'then']) {
        await fetch(`${stage.sandbox.url}/_matrix/client/v3/presence/${encodeURIComponent(host)}/status`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${theirs}` },
          body: JSON.stringify({ presence: 'online', status_msg }),
        });
      }
      if (told === 'events') await ask(`from=${end}&timeout=0`);
      else {
        const path = told === 'initialSync' ? 'r0/initialSync' : told;
        const headers = { authorization: `Bearer ${accessToken}` };
        await (await fetch(`${stage.gateway.url}/_matrix/client/${path}`, { headers })).text();
      }
      const list = (await listOf(me)) as { type: string; content: { user_id: string } }[];
      expect(list.filter(({ content }) => content.user_id === host)).toMatchObject([
        { type: 'm.presence', content: { presence: 'online', status_msg: 'then' } },
      ]);
      expect(await listOf(host)).toEqual([]);
    },
  );

  test('the access token in the query, and a GET with the body null -> answered', async () => {
    const { hostname, port } = new URL(stage.gateway.url);
    const { request } = await import('undici');
    const answer = await request(
      `http://${hostname}:${port}/_matrix/client/api/v1/events?timeout=0&access_token=${accessToken}`,
      { method: 'GET', body: 'null', headers: { 'content-type': 'application/json' } },
    );
    expect(answer.statusCode).toBe(200);
    await answer.body.dump();
  });

  test.each([
    { name: 'no access token', headers: {}, query: '', errcode: 'M_MISSING_TOKEN' },
    { name: 'an empty one', headers: {}, query: 'access_token=', errcode: 'M_UNKNOWN_TOKEN' },
    { name: 'an unknown one', headers: { authorization: 'Bearer x' }, query: '', errcode: 'M_UNKNOWN_TOKEN' },
    {
      name: 'two',
      headers: { authorization: 'Bearer x' },
      query: 'access_token=y',
      errcode: 'M_MISSING_TOKEN',
    },
    { name: 'another scheme', headers: { authorization: 'Basic x' }, query: '', errcode: 'M_MISSING_TOKEN' },
  ])('$name -> 401', async ({ headers, query, errcode }) => {
    expect(await ask(query, { headers })).toMatchObject({ status: 401, json: { errcode } });
  });

  test('a guest without a room -> 400', async () => {
    const guest = stage.sandbox.homeserver.createUser('guest', { isGuest: true });
    const headers = { authorization: `Bearer ${stage.sandbox.homeserver.login(guest).accessToken}` };
    expect(await ask('timeout=0', { headers })).toMatchObject({
      status: 400,
      json: { errcode: 'M_UNKNOWN', error: 'Guest users must specify room_id param' },
    });
  });

  test('HEAD -> headers only, at once; OPTIONS -> 204 without a token; others -> 405', async () => {
    const head = await ask('', { method: 'HEAD' });
    expect([head.status, head.json]).toEqual([200, undefined]);
    const options = await ask('', { method: 'OPTIONS', headers: {} });
    expect([options.status, options.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect(await ask('', { method })).toMatchObject({ status: 405, json: { errcode: 'M_UNRECOGNIZED' } });
    }
  });
});

describe('the long poll', () => {
  test('somebody speaks -> the poll ends with it', async () => {
    const poll = ask(`from=${await now()}&timeout=30000`);
    await untilWaiting(1);
    stage.sandbox.homeserver.say(host, roomId, 'hello');
    const answer = await poll;
    expect(bodies(answer)).toEqual(['hello']);
    expect(answer.json.chunk[0]).toMatchObject({
      room_id: roomId,
      user_id: host,
      sender: host,
      age: expect.any(Number),
    });
  });

  test('the same from again -> the same events again, for ever', async () => {
    const from = await now();
    stage.sandbox.homeserver.say(host, roomId, 'hello');
    for (let again = 0; again < 3; again += 1)
      expect(bodies(await ask(`from=${from}&timeout=0`))).toEqual(['hello']);
  });

  test('a wake-up with nothing to show -> it goes on waiting, from the newest token', async () => {
    const from = await now();
    const poll = ask(`from=${from}&timeout=30000`);
    await untilWaiting(1);
    stage.sandbox.homeserver.setAccountData(me, 'm.push_rules', { global: {} });
    stage.sandbox.homeserver.sendToDevice(host, me, '*', { type: 'x', content: {} });
    await untilWaiting(1);
    stage.sandbox.homeserver.say(host, roomId, 'hello');
    expect(bodies(await poll)).toEqual(['hello']);
  });

  test('the client leaves -> the homeserver is no longer asked', async () => {
    const client = new AbortController();
    const poll = ask(`from=${await now()}&timeout=30000`, { signal: client.signal });
    await untilWaiting(1);
    client.abort();
    await expect(poll).rejects.toThrow();
    while (stage.sandbox.homeserver.polls.size > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test('invited -> the whole event, with the name of the room', async () => {
    const from = await now();
    const invited = stage.sandbox.homeserver.createRoom(host, { name: 'Come in', invite: [me] });
    const { chunk } = (await ask(`from=${from}&timeout=0`)).json;
    expect(chunk[0]).toMatchObject({
      type: 'm.room.member',
      room_id: invited,
      state_key: me,
      content: { membership: 'invite' },
    });
    const shown = chunk[0]?.['invite_room_state'] as { type: string; content: object }[];
    expect(shown.find(({ type }) => type === 'm.room.name')?.content).toEqual({ name: 'Come in' });
    expect(chunk[0]?.['event_id']).toMatch(/^\$/);
  });

  test('kicked -> what was said before, then the kick, nothing behind it', async () => {
    const from = await now();
    stage.sandbox.homeserver.say(host, roomId, 'one');
    stage.sandbox.homeserver.kick(host, roomId, me);
    stage.sandbox.homeserver.say(host, roomId, 'behind');
    const { chunk } = (await ask(`from=${from}&timeout=0`)).json;
    expect(chunk.map(({ content }) => content)).toMatchObject([{ body: 'one' }, { membership: 'leave' }]);
    expect(chunk).toHaveLength(2);
  });

  test('joined meanwhile -> what is newer than from, nothing older', async () => {
    const other = stage.sandbox.homeserver.createRoom(host, { preset: 'public_chat' });
    stage.sandbox.homeserver.say(host, other, 'older');
    const from = await now();
    stage.sandbox.homeserver.say(host, other, 'newer');
    stage.sandbox.homeserver.join(me, other);
    const { chunk } = (await ask(`from=${from}&timeout=0`)).json;
    expect(chunk.filter(({ room_id }) => room_id === other).map(({ content }) => content)).toMatchObject([
      { body: 'newer' },
      { membership: 'join' },
    ]);
  });

  // Differs: more-events-in-an-answer
  test.each(['', '&limit=0'])('600 messages, asked with %j -> 500 of them, then the rest', async (limit) => {
    const from = await now();
    const sent = Array.from(
      { length: 600 },
      (_, i) => stage.sandbox.homeserver.say(host, roomId, `${i}`).eventId,
    );
    const first = await ask(`from=${from}&timeout=0${limit}`);
    const second = await ask(`from=${encodeURIComponent(first.json.end)}&timeout=0${limit}`);
    const ids = [first, second].map(({ json }) => json.chunk.map(({ event_id }) => event_id));
    expect(ids).toEqual([sent.slice(0, 500), sent.slice(500)]);
  });

  test('typing, a receipt, a tag and account data -> each in its legacy form, in this order', async () => {
    const { homeserver } = stage.sandbox;
    const from = await now();
    homeserver.setAccountData(me, 'x.global', { a: 1 });
    homeserver.setAccountData(me, 'm.fully_read', { event_id: '$x' }, roomId);
    homeserver.setAccountData(me, 'm.tag', { tags: {} }, roomId);
    homeserver.sendReceipt(host, roomId, homeserver.say(host, roomId, 'x').eventId);
    homeserver.setTyping(host, roomId, true);
    const { chunk } = (await ask(`from=${from}&timeout=0`)).json;
    expect(chunk.map(({ type }) => type)).toEqual([
      'm.room.message',
      'm.typing',
      'm.receipt',
      'm.tag',
      'x.global',
      'm.fully_read',
    ]);
    expect(chunk.map(({ room_id }) => room_id)).toEqual([roomId, roomId, roomId, roomId, undefined, roomId]);
  });
});

describe('a homeserver that fails', () => {
  test.each([
    { name: '502', fault: { answer: { status: 502, body: '<html>' } } },
    {
      name: 'a 429 without a time',
      fault: { answer: { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } } },
    },
    { name: 'no JSON', fault: { isGarbage: true } },
    { name: 'half an answer', fault: { cutAfterBytes: 10 } },
  ])('$name during a poll -> waited for, and the poll goes on', async ({ fault }) => {
    const from = await now();
    stage.sandbox.homeserver.say(host, roomId, 'hello');
    endFault = stage.sandbox.faults.on(/GET .*\/sync/, fault, 3);
    expect(bodies(await ask(`from=${from}&timeout=20000`))).toEqual(['hello']);
  });

  test('it restarts during a poll -> the poll outlasts it', async () => {
    const poll = ask(`from=${await now()}&timeout=20000`);
    await untilWaiting(1);
    await stage.sandbox.stop();
    await stage.sandbox.restart();
    stage.sandbox.homeserver.say(host, roomId, 'back again');
    expect(bodies(await poll)).toEqual(['back again']);
  });

  test('down until the deadline -> an empty chunk with the same token', async () => {
    const from = await now();
    endFault = stage.sandbox.faults.on(/GET .*\/sync/, { answer: { status: 503, body: {} } });
    expect(await ask(`from=${from}&timeout=600`)).toMatchObject({
      status: 200,
      json: { chunk: [], start: from, end: from },
    });
  });

  test('down with timeout 0 -> its own error, unchanged', async () => {
    const from = await now();
    const body = { errcode: 'M_LIMIT_EXCEEDED', error: 'slow down', retry_after_ms: 2000 };
    endFault = stage.sandbox.faults.on(/GET .*\/sync/, {
      answer: { status: 429, headers: { 'retry-after': '2' }, body },
    });
    const { status, headers, json } = await ask(`from=${from}&timeout=0`);
    expect([status, headers.get('retry-after'), json]).toEqual([429, '2', body]);
  });

  test('a refusal, such as a consent error -> at once, unchanged', async () => {
    const from = await now();
    const body = { errcode: 'M_CONSENT_NOT_GIVEN', error: 'read this', consent_uri: 'https://x' };
    endFault = stage.sandbox.faults.on(/GET .*\/sync/, { answer: { status: 403, body } });
    expect(await ask(`from=${from}&timeout=30000`)).toMatchObject({ status: 403, json: body });
  });

  test('one room fails in a catch-up -> what came before it, then the rest when it is back', async () => {
    const { homeserver } = stage.sandbox;
    const rooms = [roomId, homeserver.createRoom(host, { preset: 'public_chat' })].toSorted();
    for (const each of rooms) homeserver.join(me, each);
    const from = await now();
    for (const each of rooms)
      for (let i = 0; i < 3; i += 1) homeserver.say(host, each, `${rooms.indexOf(each)}.${i}`);
    const failing = new RegExp(
      `GET .*${encodeURIComponent(rooms[1] ?? '').replaceAll(/[.*+?()]/g, '.')}/messages`,
    );
    endFault = stage.sandbox.faults.on(failing, { answer: { status: 500, body: {} } });
    stage.sandbox.faults.timelineLimit = 1;
    const first = await ask(`from=${from}&timeout=0`);
    expect(bodies(first)).toEqual(['0.0', '0.1', '0.2']);
    const { chunk, end } = (await ask(`from=${first.json.end}&timeout=600`)).json;
    expect(chunk).toEqual([]);
    endFault();
    const second = await ask(`from=${end}&timeout=0`);
    expect(bodies(second)).toEqual(['1.0', '1.1', '1.2']);
  });

  test('one room fails ten polls in a row -> given up, and the stream goes on', async () => {
    const from = await now();
    for (let i = 0; i < 3; i += 1) stage.sandbox.homeserver.say(host, roomId, `${i}`);
    stage.sandbox.faults.timelineLimit = 2;
    endFault = stage.sandbox.faults.on(/GET .*\/messages/, { answer: { status: 500, body: {} } });
    for (let poll = 0; poll < 10; poll += 1) expect((await ask(`from=${from}&timeout=0`)).status).toBe(500);
    // What the timeline held.
    expect(bodies(await ask(`from=${from}&timeout=0`))).toEqual(['1', '2']);
  });
});

describe('the two forms of events', () => {
  test('a catch-up goes on in the other form -> nothing that was read in the first one is given', async () => {
    const from = await now();
    for (let i = 0; i < 30; i += 1) stage.sandbox.homeserver.say(host, roomId, String(i));
    const { end } = (await ask(`from=${from}&timeout=0&limit=5`)).json;
    const hits = async () => {
      const text = await (await fetch(`${stage.gateway.internalUrl}/metrics`)).text();
      return Number(/cache_hits_total\{cache="session-cursors"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await hits();
    expect(bodies(await ask(`from=${end}&timeout=0&limit=5&raw=1`))).toEqual(['5', '6', '7', '8', '9']);
    expect(await hits()).toBe(before);
    expect(bodies(await ask(`from=${end}&timeout=0&limit=5`))).toEqual(['5', '6', '7', '8', '9']);
    expect(await hits()).toBe(before + 1);
  });
});

describe('many polls', () => {
  test('a fifth poll of a session -> waits, and has the same event as the others', async () => {
    const from = await now();
    const polls = Array.from({ length: 5 }, async (_, index) => {
      await untilWaiting(Math.min(index, 4));
      return ask(`from=${from}&timeout=30000`);
    });
    await untilWaiting(4);
    stage.sandbox.homeserver.say(host, roomId, 'hello');
    for (const poll of polls) expect(bodies(await poll)).toEqual(['hello']);
  });

  test('a surplus poll from before an event -> is answered with it at once', async () => {
    const from = await now();
    stage.sandbox.homeserver.say(host, roomId, 'before');
    const since = (await ask(`from=${from}&timeout=0`)).json.end;
    const leaving = new AbortController();
    for (let i = 0; i < 4; i += 1)
      ask(`from=${since}&timeout=30000`, { signal: leaving.signal }).catch(() => {});
    await untilWaiting(4);
    expect(bodies(await ask(`from=${from}&timeout=30000`))).toEqual(['before']);
    leaving.abort();
  });

  test('many first polls at once -> none is an error, and each starts and ends now', async () => {
    const polls = Array.from({ length: 8 }, (_, i) =>
      ask(i % 2 === 0 ? 'timeout=700' : `timeout=700&room_id=${encodeURIComponent(roomId)}`),
    );
    for (const { status, json } of await Promise.all(polls)) {
      expect([status, json.chunk.filter(({ type }) => type !== 'm.presence')]).toEqual([200, []]);
      expect(json.end).toMatch(/^sbx_/);
    }
  });

  test.each(['/events', '/events?room_id='])(
    'the gateway drains while it asks for now for %s -> 200, empty, start and end are now',
    async (path) => {
      const draining = await startGateway(stage.sandbox.url, {
        homeserverKind: 'sandbox',
        drainDeadlineMs: 10_000,
      });
      const room = path.endsWith('=') ? `&room_id=${encodeURIComponent(roomId)}` : '';
      await ask(`timeout=0${room}`, { url: draining.url });
      endFault = stage.sandbox.faults.on(/^GET \S*\/sync\?/, { delayMs: 300 });
      const poll = ask(`timeout=30000${room}`, { url: draining.url });
      const parked = async () => (await fetch(`${draining.internalUrl}/metrics`)).text();
      await expect.poll(parked).toContain('hindsync_parked_polls 1');
      const drained = draining.close();
      const { status, json } = await poll;
      expect([status, json.chunk]).toEqual([200, []]);
      expect([json.start, json.end]).toEqual([json.end, expect.stringMatching(/^sbx_/)]);
      await drained;
    },
  );

  test('the gateway drains -> open polls end with their own token', async () => {
    const draining = await startGateway(stage.sandbox.url, { homeserverKind: 'sandbox' });
    const from = await now();
    const poll = ask(`from=${from}&timeout=30000`, { url: draining.url });
    await untilWaiting(1);
    await draining.close();
    expect((await poll).json).toEqual({ chunk: [], start: from, end: from });
  });

  test('a session that a modern client uses too, where that is refused -> 403 that says what to do', async () => {
    const strict = await startGateway(stage.sandbox.url, {
      homeserverKind: 'sandbox',
      refuseSharedDevices: true,
    });
    const headers = { authorization: `Bearer ${accessToken}` };
    await (await fetch(`${strict.url}/_matrix/client/v3/sync?timeout=0`, { headers })).text();
    const { status, json } = await ask('timeout=0', { url: strict.url });
    expect([status, json.errcode]).toEqual([403, 'M_FORBIDDEN']);
    expect(json.error).toContain('a login of its own');
    await strict.close();
  });
});
