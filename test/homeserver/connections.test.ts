import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectTo, type ConnectionLimits, type Connections } from '../../src/homeserver/connections.ts';
import { createHttpHomeserver } from '../../src/homeserver/http-homeserver.ts';
import type { Caller, Homeserver } from '../../src/homeserver/homeserver.ts';
import type { AccessToken, EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';

let server: Server;
let seen: { url: string; headers: NodeJS.Dict<string | string[]> }[];
let answer: (send: (status: number, headers: Record<string, string>, body: Buffer) => void) => void;
let connections: Connections;
beforeEach(async () => {
  seen = [];
  answer = (send) => send(200, {}, Buffer.from('{"user_id":"@a:b"}'));
  server = createServer(({ url = '', headers }, response) => {
    seen.push({ url, headers });
    answer((status, given, body) => response.writeHead(status, given).end(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  await connections.destroy();
  server.closeAllConnections();
  server.close();
});

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function homeserverWith(limits: ConnectionLimits = {}): Homeserver {
  connections = connectTo(url(), limits);
  return createHttpHomeserver({
    connections,
    callDeadlineMs: 5000,
    pollMarginMs: 5000,
    initialSyncDeadlineMs: 5000,
    answerIdleMs: 5000,
  });
}

const caller: Caller = { accessToken: 't' as AccessToken, host: 'chat.example' };

describe('an id that could lead elsewhere -> 404, and nothing is sent, by every call that takes one', () => {
  const room = (id: string) => id as RoomId;
  const calls: Record<string, (homeserver: Homeserver, id: string) => Promise<unknown>> = {
    messagesPage: (hs, id) => hs.as(caller).messagesPage(room(id), { dir: 'b', limit: 1 }),
    context: (hs, id) => hs.as(caller).context(room('!a'), id as EventId),
    stateEvent: (hs, id) => hs.as(caller).stateEvent(room('!a'), 'm.x', id),
    'stateEvent type': (hs, id) => hs.as(caller).stateEvent(room('!a'), id, ''),
    streamState: (hs, id) => hs.as(caller).streamState(room(id)),
    roomSummary: (hs, id) => hs.as(caller).roomSummary(room(id)),
    tags: (hs, id) => hs.as(caller).tags('@a' as UserId, room(id)),
    presence: (hs, id) => hs.as(caller).presence(id as UserId),
    event: (hs, id) => hs.as(caller).event(room('!a'), id as EventId),
    roomVisibility: (hs, id) => hs.roomVisibility(room(id)),
    request: (hs, id) => hs.as(caller).request({ method: 'GET', path: `rooms/${id}/state` }),
    streamRequest: (hs, id) => hs.as(caller).streamRequest({ method: 'GET', path: `rooms/${id}/state` }),
  };

  test.each(Object.entries(calls))('%s', async (_name, call) => {
    const homeserver = homeserverWith();
    for (const id of ['..', '../../_synapse/admin', '..\\x', '%2e%2e']) {
      const refused = async () => call(homeserver, id);
      await expect(refused()).rejects.toMatchObject({ status: 404, errcode: 'M_UNRECOGNIZED' });
    }
    expect(seen).toEqual([]);
  });

  test('a path that is none of ours and none that may pass -> the same', async () => {
    homeserverWith({ passPaths: ['/_matrix/media/'] });
    for (const path of ['/_synapse/admin', '/_matrix/media/../x', '/_matrix/federation/v1/send'])
      await expect(connections.rest.request({ method: 'GET', path })).rejects.toMatchObject({ status: 404 });
    expect((await connections.rest.request({ method: 'GET', path: '/_matrix/media/x' })).statusCode).toBe(
      200,
    );
  });
});

describe('Host', () => {
  test.each([
    { hostHeader: 'client', withClient: 'chat.example', withoutClient: 'own' },
    { hostHeader: 'homeserver_url', withClient: 'own', withoutClient: 'own' },
    { hostHeader: 'hs.example:8448', withClient: 'hs.example:8448', withoutClient: 'hs.example:8448' },
  ])('$hostHeader -> $withClient for a client, $withoutClient for nobody', async (wanted) => {
    const homeserver = homeserverWith({ hostHeader: wanted.hostHeader });
    await homeserver.as(caller).whoami();
    await homeserver.versions();
    const own = url().slice('http://'.length);
    expect(seen.map(({ headers }) => headers['host'])).toEqual(
      [wanted.withClient, wanted.withoutClient].map((host) => (host === 'own' ? own : host)),
    );
  });
});

describe('an encoding that was not asked for', () => {
  const body = Buffer.from(JSON.stringify({ user_id: '@a:b', padding: 'x'.repeat(100_000) }));
  const encodings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

  test.each(Object.entries(encodings))('%s -> understood, whole and streamed', async (encoding, encode) => {
    const homeserver = homeserverWith();
    answer = (send) => send(200, { 'content-encoding': encoding }, encode(body));
    expect(await homeserver.as(caller).whoami()).toEqual(JSON.parse(body.toString()));
    const chunks: Buffer[] = [];
    for await (const chunk of await homeserver.as(caller).streamState('!a' as RoomId)) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
    expect(seen.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'identity']);
  });

  test('of an error -> its own words', async () => {
    const homeserver = homeserverWith();
    const error = Buffer.from('{"errcode":"M_FORBIDDEN","error":"No"}');
    answer = (send) => send(403, { 'content-encoding': 'gzip' }, gzipSync(error));
    await expect(homeserver.as(caller).whoami()).rejects.toMatchObject({
      status: 403,
      errcode: 'M_FORBIDDEN',
    });
  });

  test('cut in the midst -> 502', async () => {
    const homeserver = homeserverWith();
    answer = (send) => send(200, { 'content-encoding': 'gzip' }, gzipSync(body).subarray(0, 60));
    await expect(homeserver.as(caller).whoami()).rejects.toMatchObject({ status: 502 });
  });

  test('a small one that becomes too large -> 502', async () => {
    connections = connectTo(url());
    const deadlines = { callDeadlineMs: 5000, pollMarginMs: 1, initialSyncDeadlineMs: 1, answerIdleMs: 1 };
    const homeserver = createHttpHomeserver({ connections, ...deadlines, maxAnswerBytes: 50_000 });
    answer = (send) => send(200, { 'content-encoding': 'gzip' }, gzipSync(body));
    await expect(homeserver.as(caller).whoami()).rejects.toMatchObject({ status: 502 });
  });
});

describe('the bound of connections', () => {
  test('one client’s many, unanswered -> half; another’s is answered, and so is our own', async () => {
    const homeserver = homeserverWith({ passPaths: ['/_matrix/'], most: 8, waitMs: 60_000 });
    const held: (() => void)[] = [];
    answer = (send) => held.push(() => send(200, {}, Buffer.from('{}')));
    const ask = (sharer: string) =>
      connections.rest
        .request({ method: 'GET', path: '/_matrix/x', sharer } as never)
        .then(({ body }) => body.text());
    const many = Array.from({ length: 20 }, () => ask('192.0.2.1'));
    while (held.length < 3) await once(server, 'request');
    answer = (send) => send(200, {}, Buffer.from('{"user_id":"@a:b"}'));
    await homeserver.as(caller).whoami();
    await ask('192.0.2.2');
    expect(held).toHaveLength(3);
    held.forEach((send) => send());
    await Promise.all(many);
    expect(seen).toHaveLength(22);
  });

  test('one session’s many, unanswered -> an eighth; another one’s at the same address is answered', async () => {
    homeserverWith({ passPaths: ['/_matrix/'], most: 64, waitMs: 60_000 });
    const held: (() => void)[] = [];
    answer = (send) => held.push(() => send(200, {}, Buffer.from('{}')));
    const ask = (session: string) =>
      connections.rest
        .request({ method: 'GET', path: '/_matrix/x', sharer: '192.0.2.1', session } as never)
        .then(({ body }) => body.text());
    const many = Array.from({ length: 20 }, () => ask('Bearer many'));
    while (held.length < 6) await once(server, 'request');
    answer = (send) => send(200, {}, Buffer.from('{}'));
    await ask('Bearer other');
    expect(held).toHaveLength(6);
    held.forEach((send) => send());
    await Promise.all(many);
    expect(seen).toHaveLength(21);
  });

  test('none comes free -> 503 in Matrix form, told to the operator', async () => {
    let refused = 0;
    homeserverWith({ most: 4, waitMs: 1, onRefused: () => (refused += 1) });
    const path = '/_matrix/client/x';
    answer = () => {};
    for (let n = 0; n < 3; n += 1) connections.rest.request({ method: 'GET', path }).catch(() => {});
    const refusedOne = connections.rest.request({ method: 'GET', path });
    await expect(refusedOne).rejects.toMatchObject({ status: 503, errcode: 'M_UNKNOWN' });
    expect(refused).toBe(1);
  });

  test('who waits and is aborted -> ends at once, and is never sent', async () => {
    homeserverWith({ most: 4, waitMs: 60_000 });
    const path = '/_matrix/client/x';
    answer = () => {};
    for (let n = 0; n < 3; n += 1) connections.rest.request({ method: 'GET', path }).catch(() => {});
    const controller = new AbortController();
    const waiting = connections.rest.request({
      method: 'GET',
      path: `${path}/late`,
      signal: controller.signal,
    });
    controller.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    expect(seen.some(({ url: asked }) => asked.endsWith('/late'))).toBe(false);
  });
});
