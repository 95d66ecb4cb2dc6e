import { describe, expect, test } from 'vitest';
import { aClient, aSandbox } from '../support/sandbox/sandbox-client.ts';

async function exchange(url: string, method = 'GET', body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('register and login', () => {
  test('when registering in two stages -> 401 with the flow first, then a session that whoami knows', async () => {
    const { url } = await aSandbox();
    const account = { username: 'alice', password: 'tea' };
    const first = await exchange(`${url}/_matrix/client/r0/register`, 'POST', account);
    expect(first).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.dummy'] }] } });
    const auth = { type: 'm.login.dummy', session: first.body['session'] };
    const { body } = await exchange(`${url}/_matrix/client/v3/register`, 'POST', { ...account, auth });
    const authorization = `Bearer ${String(body['access_token'])}`;
    const whoami = await exchange(`${url}/_matrix/client/v3/account/whoami`, 'GET', undefined, {
      authorization,
    });
    expect(whoami.body).toEqual({
      user_id: '@alice:sandbox.test',
      device_id: body['device_id'],
      is_guest: false,
    });
  });

  test.each([
    {
      name: 'identifier',
      login: { identifier: { type: 'm.id.user', user: 'alice' }, password: 'tea' },
      status: 200,
    },
    { name: 'user', login: { user: '@alice:sandbox.test', password: 'tea' }, status: 200 },
    { name: 'a wrong password', login: { user: 'alice', password: 'coffee' }, status: 403 },
  ])('when logging in with $name -> $status', async ({ login, status }) => {
    const { url, homeserver } = await aSandbox();
    homeserver.createUser('alice', { password: 'tea' });
    const answer = await exchange(`${url}/_matrix/client/v3/login`, 'POST', {
      type: 'm.login.password',
      ...login,
    });
    expect(answer.status).toBe(status);
  });

  test('when a guest registers -> a guest, who cannot list rooms', async () => {
    const { url } = await aSandbox();
    const { body } = await exchange(`${url}/_matrix/client/v3/register?kind=guest`, 'POST', {});
    const headers = { authorization: `Bearer ${String(body['access_token'])}` };
    const whoami = await exchange(`${url}/_matrix/client/v3/account/whoami`, 'GET', undefined, headers);
    expect(whoami.body).toMatchObject({ is_guest: true });
    const rooms = await exchange(`${url}/_matrix/client/v3/joined_rooms`, 'GET', undefined, headers);
    expect(rooms).toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
  });

  test('when logged out -> 401 M_UNKNOWN_TOKEN, and the token is forgotten', async () => {
    const sandbox = await aSandbox();
    const alice = aClient(sandbox, 'alice');
    expect(sandbox.accessTokens).toHaveLength(1);
    await alice.post('/logout');
    expect(await alice.request('GET', '/account/whoami')).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
    });
    expect(sandbox.accessTokens).toEqual([]);
  });
});

describe('what a modern homeserver does not have', () => {
  test.each([
    { path: '/_matrix/client/r0/initialSync', status: 404 },
    { path: '/_matrix/client/v3/events', status: 404 },
    { path: '/_matrix/client/api/v1/publicRooms', status: 404 },
    { path: '/_matrix/client/v2_alpha/sync', status: 404 },
    { path: '/_matrix/client/unstable/sync', status: 404 },
    { path: '/_matrix/client/v3/createRoom', status: 405 },
  ])('when GET $path -> $status M_UNRECOGNIZED', async ({ path, status }) => {
    const alice = aClient(await aSandbox(), 'alice');
    expect(await alice.request('GET', path)).toMatchObject({ status, body: { errcode: 'M_UNRECOGNIZED' } });
  });

  test('when the access token stands in the query -> it is not looked at', async () => {
    const { url, homeserver } = await aSandbox();
    const { accessToken } = homeserver.login(homeserver.createUser('alice'));
    const answer = await exchange(`${url}/_matrix/client/v3/account/whoami?access_token=${accessToken}`);
    expect(answer).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
  });
});

test('when asked for its versions -> it says that it is the sandbox', async () => {
  const { url } = await aSandbox();
  const { body } = await exchange(`${url}/_matrix/client/versions`);
  expect(body).toMatchObject({ versions: expect.arrayContaining(['v1.11']), server: { name: 'sandbox' } });
});

test('when a request comes -> it is in the log as it was sent', async () => {
  const sandbox = await aSandbox();
  const alice = aClient(sandbox, 'alice');
  await alice.request('GET', '/rooms/%21a%3Ab/state?x=%C3%A4');
  expect(sandbox.requests.at(-1)).toMatchObject({
    method: 'GET',
    url: '/_matrix/client/v3/rooms/%21a%3Ab/state?x=%C3%A4',
    headers: { authorization: expect.stringContaining('Bearer sbt_') },
  });
});

test.each([
  { name: 'a body that is no JSON', path: '/createRoom', body: '{', status: 400, errcode: 'M_NOT_JSON' },
  { name: 'a bad escape', path: '/join/%zz', body: '{}', status: 400, errcode: 'M_UNKNOWN' },
])('when $name comes -> $status $errcode', async ({ path, body, status, errcode }) => {
  const { url, homeserver } = await aSandbox();
  const { accessToken } = homeserver.login(homeserver.createUser('alice'));
  const headers = { authorization: `Bearer ${accessToken}` };
  const response = await fetch(`${url}/_matrix/client/v3${path}`, { method: 'POST', headers, body });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ errcode });
});
