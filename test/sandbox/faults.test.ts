import { describe, expect, test } from 'vitest';
import { aClient, aSandbox, bodiesOf } from '../support/sandbox/sandbox-client.ts';

async function aRoom() {
  const sandbox = await aSandbox();
  const alice = aClient(sandbox, 'alice');
  const roomId = sandbox.homeserver.createRoom(alice.userId);
  return { ...sandbox, sandbox, alice, roomId };
}

/** What a client that asks raw gets: status and text, or how it failed. */
async function syncText({ url, accessTokens }: { url: string; accessTokens: string[] }): Promise<string> {
  const headers = { authorization: `Bearer ${accessTokens[0]}` };
  return (await fetch(`${url}/_matrix/client/v3/sync`, { headers })).text();
}

describe('the shape of /sync', () => {
  test('when timelines are cut -> limited, whatever the filter asks for', async () => {
    const { faults, homeserver, alice, roomId } = await aRoom();
    homeserver.say(alice.userId, roomId, 'one');
    homeserver.say(alice.userId, roomId, 'two');
    faults.timelineLimit = 1;
    const { timeline } =
      (await alice.sync({}, { room: { timeline: { limit: 50 } } })).rooms.join[roomId] ?? {};
    expect(timeline?.limited).toBe(true);
    expect(bodiesOf(timeline?.events)).toEqual(['two']);
  });

  test('when next_batch is to come last -> it does, and first else', async () => {
    const { faults, sandbox } = await aRoom();
    expect(await syncText(sandbox)).toMatch(/^\{"next_batch"/);
    faults.nextBatch = 'last';
    expect(await syncText(sandbox)).toMatch(/"next_batch":"[^"]+"\}$/);
  });

  test('when state is to come first -> before the timeline, and after it else', async () => {
    const { faults, sandbox } = await aRoom();
    expect(await syncText(sandbox)).toMatch(/"timeline":.*"state":/);
    faults.isStateFirst = true;
    expect(await syncText(sandbox)).toMatch(/"state":.*"timeline":/);
  });

  test('when empty sections are left out, or null -> nothing empty is sent', async () => {
    const { faults, alice, roomId } = await aRoom();
    faults.emptySections = 'left out';
    const lean = await alice.sync();
    expect(lean).not.toHaveProperty('to_device');
    expect(lean.rooms.join[roomId]).not.toHaveProperty('ephemeral');
    expect(lean.rooms.join[roomId]?.timeline.events).not.toEqual([]);
    faults.emptySections = 'as null';
    const nulls = await alice.sync();
    expect(nulls).toMatchObject({ to_device: null, rooms: { leave: null } });
    expect(await alice.sync({ since: nulls.next_batch })).toMatchObject({ rooms: null });
  });

  test('when polls wake up for nothing -> they come back empty, so many times', async () => {
    const { faults, alice } = await aRoom();
    const { next_batch: since } = await alice.sync();
    faults.emptyWakeUps = 1;
    expect(await alice.sync({ since, timeout: 30_000 })).toMatchObject({
      next_batch: since,
      rooms: { join: {} },
    });
    expect(faults.emptyWakeUps).toBe(0);
  });
});

describe('what happens to requests', () => {
  test('when an answer is an error -> so many times, with its headers', async () => {
    const { faults, alice } = await aRoom();
    const body = { errcode: 'M_LIMIT_EXCEEDED', error: 'Slow down', retry_after_ms: 1500 };
    faults.on(/^GET .*\/whoami/, { answer: { status: 429, headers: { 'retry-after': '2' }, body } }, 1);
    const answer = await alice.request('GET', '/account/whoami');
    expect(answer).toMatchObject({ status: 429, body });
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await alice.request('GET', '/account/whoami')).toMatchObject({ status: 200 });
  });

  test('when a fault is ended -> requests are answered again', async () => {
    const { faults, alice } = await aRoom();
    const end = faults.on(/whoami/, { answer: { status: 502, body: 'Bad gateway' } });
    await expect(alice.request('GET', '/account/whoami')).rejects.toThrow(SyntaxError);
    end();
    expect(await alice.request('GET', '/account/whoami')).toMatchObject({ status: 200 });
  });

  test.each([0, 10])(
    'when the connection is cut after %d bytes -> the body breaks off there',
    async (bytes) => {
      const { faults, url } = await aRoom();
      faults.on(/versions/, { cutAfterBytes: bytes });
      const response = await fetch(`${url}/_matrix/client/versions`);
      const received: Buffer[] = [];
      const read = async () => {
        for await (const chunk of response.body ?? []) received.push(Buffer.from(chunk));
      };
      await expect(read()).rejects.toThrow();
      expect(Buffer.concat(received)).toHaveLength(bytes);
    },
  );

  test('when the body is garbage -> 200, and no JSON', async () => {
    const { faults, alice } = await aRoom();
    faults.on(/whoami/, { isGarbage: true });
    await expect(alice.request('GET', '/account/whoami')).rejects.toThrow(SyntaxError);
  });

  test('when requests are delayed -> the others overtake them', async () => {
    const { faults, alice } = await aRoom();
    faults.on(/slow/, { delayMs: 200 });
    const order: string[] = [];
    await Promise.all(
      ['slow', 'fast'].map(async (name) => {
        await alice.get(`/account/whoami?${name}`);
        order.push(name);
      }),
    );
    expect(order).toEqual(['fast', 'slow']);
  });
});

test('when pages forget where reading began -> old events come again behind late ones', async () => {
  const { faults, homeserver, alice, roomId } = await aRoom();
  homeserver.say(alice.userId, roomId, 'old');
  const { next_batch: from } = await alice.sync();
  for (const text of ['late', 'later']) homeserver.say(alice.userId, roomId, text, { depth: 2 });
  const { next_batch: to } = await alice.sync();
  const read = async () => bodiesOf(await alice.readAll(roomId, { dir: 'f', from, to, limit: 1 }));
  expect(await read()).toEqual(['late', 'later']);
  faults.pagesForgetFrom = true;
  expect(await read()).toEqual(['late', 'later', 'old']);
});
