// `GET r0/sync` over sockets: what its sections cost nobody, and what of the pass-through must still hold.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeCatchUpToken } from '../../../src/tokens/own-tokens.ts';
import type { RoomId, SyncToken } from '../../../src/matrix/identifiers.ts';
import { startGateway, type Gateway } from '../../support/gateway.ts';

let server: Server;
let gateway: Gateway;
/** How /sync is answered, by each test. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let received: IncomingMessage[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/_matrix/client/versions') return response.end('{"versions":["r0.6.1","v1.11"]}');
    if (request.url?.endsWith('/account/whoami') === true) return response.end('{"user_id":"@me:test"}');
    received.push(request);
    return answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  gateway = await startGateway(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    homeserverKind: 'synapse',
  });
});
afterAll(async () => {
  await gateway.close();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received = [];
});

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${gateway.url}/_matrix/client/${path}`, init);

const SECTIONS = ['next_batch', 'rooms', 'presence', 'account_data', 'to_device', 'device_lists'];
const json = { 'Content-Type': 'application/json' };

describe('GET r0/sync', () => {
  test('short, with or without a length -> every section, and a length', async () => {
    for (const length of [{ 'Content-Length': 19 }, {}]) {
      answer = (_, response) =>
        response.writeHead(200, { ...json, ...length, 'X-Own': 'kept' }).end('{"next_batch":"s1"}');
      const response = await ask('r0/sync?access_token=t&timeout=0');
      const text = await response.text();
      expect(Object.keys(JSON.parse(text))).toEqual(SECTIONS);
      expect([response.headers.get('content-length'), response.headers.get('x-own')]).toEqual([
        String(text.length),
        'kept',
      ]);
      expect(response.headers.get('content-type')).toBe('application/json');
    }
  });

  test('v3/sync -> as it came', async () => {
    answer = (_, response) => response.writeHead(200, json).end('{"next_batch":"s1"}');
    expect(await (await ask('v3/sync?access_token=t')).text()).toBe('{"next_batch":"s1"}');
  });

  test('an error -> as it came', async () => {
    answer = (_, response) =>
      response.writeHead(401, json).end('{"errcode":"M_UNKNOWN_TOKEN","soft_logout":true}');
    const response = await ask('r0/sync?access_token=t');
    expect([response.status, await response.text()]).toEqual([
      401,
      '{"errcode":"M_UNKNOWN_TOKEN","soft_logout":true}',
    ]);
  });

  test('the request -> with all its headers, and asking for no packed answer; one that is packed is left so', async () => {
    answer = (_, response) =>
      response.writeHead(200, { ...json, 'Content-Encoding': 'gzip' }).end(gzipSync('{"next_batch":"s1"}'));
    const headers = { 'User-Agent': 'Old/1', 'Accept-Encoding': 'gzip', Authorization: 'Bearer t' };
    const response = await ask('r0/sync?since=s0', { headers });
    expect(await response.text()).toBe('{"next_batch":"s1"}');
    expect(received[0]?.headers).toMatchObject({
      'user-agent': 'Old/1',
      authorization: 'Bearer t',
      'accept-encoding': 'identity',
      'x-forwarded-proto': 'http',
    });
    expect(received[0]?.url).toBe('/_matrix/client/r0/sync?since=s0');
  });

  test('a token of ours in since -> the position that it means', async () => {
    answer = (_, response) => response.writeHead(200, json).end('{}');
    const since = encodeCatchUpToken({
      from: 's1_2_3_4_5_6_7_8_9_10' as SyncToken,
      to: 's2_2_3_4_5_6_7_8_9_10' as SyncToken,
      roomId: '!r:test' as RoomId,
      page: null,
      lastEventId: null,
    });
    await ask(`r0/sync?access_token=t&since=${since}&filter=1`);
    expect(received[0]?.url).toBe('/_matrix/client/r0/sync?since=s1_2_3_4_5_6_7_8_9_10&filter=1');
  });

  test('a long one, whose client reads slowly -> the homeserver waits, and nothing is lost', async () => {
    const room = `{"timeline":{"events":[{"event_id":"$1","content":{"body":"${'x'.repeat(60_000)}"}}]}}`;
    let isPaused = false;
    answer = async (_, response) => {
      response.writeHead(200, json).write('{"next_batch":"s1","rooms":{"join":{');
      for (let i = 0; i < 150; i += 1) {
        if (response.write(`${i === 0 ? '' : ','}"!${i}":${room}`)) continue;
        isPaused = true;
        await once(response, 'drain');
      }
      response.end('}}}');
    };
    const response = await ask('r0/sync?access_token=t');
    expect(response.headers.get('content-length')).toBeNull();
    const { rooms } = (await response.json()) as { rooms: { join: object; leave: object } };
    expect([Object.keys(rooms.join).length, rooms.leave, isPaused]).toEqual([150, {}, true]);
  });

  test('one that its header calls long -> begins at once', async () => {
    const finish = Promise.withResolvers<void>();
    answer = async (_, response) => {
      response.writeHead(200, { ...json, 'Content-Length': 300_000 }).write('{"next_batch":"s1"');
      await finish.promise;
      response.end(`${' '.repeat(300_000 - 19)}}`);
    };
    const response = await ask('r0/sync?access_token=t');
    finish.resolve();
    expect(Object.keys((await response.json()) as object)).toEqual(SECTIONS);
  });

  test('one that breaks off -> a 502 where nothing was sent, else cut', async () => {
    answer = (_, response) => {
      response.writeHead(200, json).write('{"next_batch":"s1"');
      setImmediate(() => response.destroy());
    };
    expect((await ask('r0/sync?access_token=t')).status).toBe(502);
    let breakOff = (): void => {};
    answer = (_, response) => {
      response.writeHead(200, json).write(`{"next_batch":"${'x'.repeat(400_000)}"`);
      breakOff = () => response.destroy();
    };
    const response = await ask('r0/sync?access_token=t');
    expect(response.status).toBe(200);
    breakOff();
    await expect(response.text()).rejects.toThrow('terminated');
  });

  test('a client that leaves while it waits -> the homeserver’s request ends', async () => {
    const left = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    answer = (_, response) => {
      response.on('close', () => left.resolve());
      waiting.resolve();
    };
    const client = new AbortController();
    const asked = ask('r0/sync?access_token=t&since=s1&timeout=30000', { signal: client.signal });
    await waiting.promise;
    client.abort();
    await expect(asked).rejects.toThrow();
    await left.promise;
  });

  test('the session -> known as a modern one, so that /events of the same says so', async () => {
    answer = (request, response) =>
      response
        .writeHead(200, json)
        .end(request.url?.includes('/sync') === true ? '{"next_batch":"s1_2"}' : '{}');
    await ask('r0/sync?access_token=shared');
    const metrics = async (): Promise<string> => (await fetch(`${gateway.internalUrl}/metrics`)).text();
    await ask('r0/events?access_token=shared&from=s1_2_3_4_5_6_7_8_9&timeout=0');
    expect(await metrics()).toMatch(/hindsync_shared_device_sessions_total 1/);
  });
});
