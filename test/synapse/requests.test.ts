// Requests that are wrong, odd or only half a request: status, errcode and words as from Synapse itself.

import { request as sendRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  clientAt,
  logIn,
  register,
  type Answer,
  type Client,
  type Json,
  type Query,
} from '../support/synapse/synapse-client.ts';
import { createStage, type Stage } from '../support/synapse/stage.ts';

const ROOMS = ['plain', 'published', 'version 12'] as const;

let stage: Stage<(typeof ROOMS)[number]>;

beforeAll(async () => {
  stage = await createStage('requests', ROOMS);
});
afterAll(() => stage.close());

const said = ({ status, json }: Answer): Json => ({ status, json });

/** The same request to both: at the homeserver, and through the gateway. */
async function ask(make: (at: Stage['native']) => Promise<Answer>): Promise<{ native: Json; ours: Json }> {
  return { native: said(await make(stage.native)), ours: said(await make(stage.ours)) };
}

describe('when a parameter is bad -> status, errcode and words are as from Synapse itself', () => {
  test.each<[path: string, query: Query]>([
    ['initialSync', { limit: 'x' }],
    ['initialSync', { limit: '' }],
    ['initialSync', { limit: '1.5' }],
    ['initialSync', { limit: -1 }],
    ['initialSync', { archived: '1' }],
    ['initialSync', { archived: 'True' }],
    ['initialSync', { archived: '' }],
    ['initialSync', { dir: 'x' }],
    ['initialSync', { from: 'junk' }],
    ['initialSync', { to: 'junk' }],
    ['events', { limit: 'x' }],
    ['events', { limit: '' }],
    ['events', { limit: -1 }],
    ['events', { timeout: 'x' }],
    ['events', { timeout: '' }],
    ['events', { timeout: '1.5' }],
    ['events', { dir: 'x', timeout: 0 }],
    ['events', { from: 'junk', timeout: 0 }],
    ['events', { from: 's', timeout: 0 }],
    ['events', { from: '0', timeout: 0 }],
  ])('%s %o', async (path, query) => {
    const { native, ours } = await ask((at) => at(stage.world.alice).get(`v3/${path}`, query));
    expect(native.status).toBe(400);
    expect(ours).toEqual(native);
  });
});

/** Differs: how many fields a token has only the homeserver knows, which says so in other words. */
test('when a token has more fields than this Synapse knows -> 400 M_UNKNOWN, as from Synapse itself', async () => {
  const query = { from: 's1_2_3_4_5_6_7_8_9_10_11_12_13_14_15', timeout: 0 };
  const { native, ours } = await ask((at) => at(stage.world.alice).get('v3/events', query));
  for (const { status, json } of [native, ours]) expect([status, json.errcode]).toEqual([400, 'M_UNKNOWN']);
});

describe('when Synapse takes an odd parameter -> it is good', () => {
  test.each<[path: string, query: Query]>([
    ['initialSync', { limit: 2000 }],
    ['initialSync', { limit: 1, dir: 'b' }],
    ['initialSync', { limit: 1, from: 'END' }],
    ['initialSync', { limit: 1, unheard: 'of' }],
    ['events', { timeout: -1, from: 'END' }],
    ['events', { timeout: 0, from: 's1' }],
    ['events', { timeout: 0, dir: 'b' }],
    ['events', { timeout: 0, limit: 0 }],
    ['events', { timeout: 0, unheard: 'of' }],
  ])('%s %o', async (path, query) => {
    const { native, ours } = await ask((at) => at(stage.world.alice).get(`v3/${path}`, query));
    expect([native.status, ours.status]).toEqual([200, 200]);
  });
});

const PATHS = ['initialSync', 'events', 'events/$an-event', 'rooms/!a:hs.test/initialSync'];

describe.each(PATHS)('when %s is asked', (path) => {
  test.each<{ how: string; headers: Record<string, string>; query?: Query }>([
    { how: 'without an access token', headers: {} },
    { how: 'with another scheme', headers: { authorization: 'Basic x' } },
    { how: 'with an unknown access token', headers: { authorization: 'Bearer unknown' } },
    { how: 'with an unknown access token in the query', headers: {}, query: { access_token: 'unknown' } },
    { how: 'with an empty access token in the query', headers: {}, query: { access_token: '' } },
    {
      how: 'with two access tokens',
      headers: { authorization: 'Bearer unknown' },
      query: { access_token: 'x' },
    },
  ])('$how -> 401 with the words of Synapse', async ({ headers, query = {} }) => {
    const { url, gateway } = { url: stage.world.url, gateway: stage.gateway.url };
    const [native, ours] = await Promise.all(
      [url, gateway].map((at) => clientAt(at, undefined).request('GET', `v3/${path}`, { headers, query })),
    );
    expect(native?.status).toBe(401);
    expect(said(ours as Answer)).toEqual(said(native as Answer));
  });

  test.each(['POST', 'PUT', 'DELETE'])('with %s -> 405, as from Synapse itself', async (method) => {
    const { native, ours } = await ask((at) => at(stage.world.alice).request(method, `v3/${path}`));
    expect(native).toMatchObject({ status: 405, json: { errcode: 'M_UNRECOGNIZED' } });
    expect(ours).toEqual(native);
  });

  test('with OPTIONS and no access token -> 204 and the CORS headers of Synapse', async () => {
    const [native, ours] = await Promise.all(
      [stage.world.url, stage.gateway.url].map((at) =>
        clientAt(at, undefined).request('OPTIONS', `v3/${path}`),
      ),
    );
    expect([native?.status, ours?.status]).toEqual([204, 204]);
    expect(corsOf(ours as Answer)).toEqual(corsOf(native as Answer));
  });
});

const corsOf = ({ headers }: Answer): Json =>
  Object.fromEntries(
    ['origin', 'methods', 'headers'].map((name) => [name, headers.get(`access-control-allow-${name}`)]),
  );

test.each(['initialSync', 'events'])(
  'when %s is answered -> the headers are as from Synapse itself',
  async (path) => {
    const query = { timeout: 0, limit: 1 };
    const headersOf = ({ headers }: Answer): Json =>
      ['content-type', 'cache-control', 'access-control-allow-origin'].map((name) => headers.get(name));
    const [native, ours] = await Promise.all(
      [stage.native, stage.ours].map((at) => at(stage.world.alice).get(`v3/${path}`, query)),
    );
    expect(headersOf(ours as Answer)).toEqual(headersOf(native as Answer));
  },
);

test.each(['initialSync', 'events'])('when %s is asked with HEAD -> headers and no body', async (path) => {
  for (const at of [stage.native, stage.ours]) {
    const { status, headers, json } = await at(stage.world.alice).request('HEAD', `v3/${path}`, {
      query: { timeout: 0 },
    });
    expect([status, headers.get('content-type'), json]).toEqual([200, 'application/json', undefined]);
  }
  const nobody = await clientAt(stage.gateway.url, undefined).request('HEAD', `v3/${path}`);
  expect(nobody.status).toBe(401);
});

test('when a path has a trailing slash -> 404, as from Synapse itself', async () => {
  for (const path of ['v3/initialSync/', 'v3/rooms/!a:hs.test/initialSync/']) {
    const { native, ours } = await ask((at) => at(stage.world.alice).get(path));
    expect(native.status).toBe(404);
    expect(ours).toEqual(native);
  }
});

test('when a guest asks for what guests may not have -> as from Synapse itself', async () => {
  const guest = await register(stage.world.url);
  for (const [path, query] of [
    ['v3/initialSync', {}],
    ['v3/events', { timeout: 0 }],
  ] as const) {
    const { native, ours } = await ask((at) => at(guest).get(path, query));
    expect([400, 403]).toContain(native.status);
    expect(ours).toEqual(native);
  }
});

test('when somebody has logged out -> 401 with the words of Synapse', async () => {
  const { alice, url } = stage.world;
  const again = await logIn(url, alice.userId);
  await stage.ours(again).read('v3/initialSync', { limit: 1 });
  await stage.ours(again).post('v3/logout');
  const { native, ours } = await ask((at) => at(again).get('v3/initialSync'));
  expect(native).toMatchObject({ status: 401, json: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false } });
  expect(ours).toEqual(native);
});

test('when the access token is in the query -> the same answer as in the header', async () => {
  const { alice } = stage.world;
  const nobody = clientAt(stage.gateway.url, undefined);
  const query = { access_token: alice.accessToken, limit: 1 };
  const [inQuery, inHeader] = [
    await nobody.read('api/v1/initialSync', query),
    await stage.ours(alice).read('api/v1/initialSync', { limit: 1 }),
  ];
  const idsOf = (answer: Json): string[] => answer.rooms.map(({ room_id }: Json) => room_id).toSorted();
  expect(idsOf(inQuery)).toEqual(idsOf(inHeader));
});

/** As the library `request` sent it, in which old bots are written: see docs/reference/clients.md. */
test.each(['api/v1/initialSync?limit=1', 'api/v1/events?timeout=0', 'v3/account/whoami'])(
  'when GET %s has the body null -> it is answered',
  async (path) => {
    const { alice } = stage.world;
    expect(await statusWithNullBody(stage.gateway.url, path, alice.accessToken)).toBe(200);
  },
);

function statusWithNullBody(url: string, path: string, accessToken: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      'content-length': 4,
    };
    const request = sendRequest(`${url}/_matrix/client/${path}`, { headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    request.on('error', reject);
    request.end('null');
  });
}

test.each<[name: string, spell: (id: string) => string]>([
  ['raw', (id) => id],
  ['encoded', encodeURIComponent],
  ['half encoded', (id) => id.replaceAll(':', '%3a')],
])('when ids in a path are %s -> the same answer', async (_name, spell) => {
  const { alice, rooms } = stage.world;
  const client: Client = stage.ours(alice);
  for (const room of [rooms.plain, rooms['version 12']]) {
    const { chunk } = await client.read(`api/v1/rooms/${spell(room)}/messages`, { dir: 'b', limit: 5 });
    expect(chunk).toHaveLength(5);
    expect(chunk[0].room_id).toBe(room);
  }
});
