// What clients get of features with dates, through a gateway.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import type { UsageReport } from '../../../src/operate/usage/report.ts';
import { startGateway, type Gateway } from '../../support/gateway.ts';

let sandbox: Awaited<ReturnType<typeof createSandbox>>;
let gateway: Gateway;
let token: string;
beforeEach(async () => {
  sandbox = await createSandbox();
});
afterEach(async () => {
  await gateway.close();
  await sandbox.close();
});

const PAST = Date.parse('2020-01-01');
const FUTURE = Date.parse('2100-01-01');

async function start(settings: Partial<Config>): Promise<void> {
  gateway = await startGateway(sandbox.url, { sunsetWords: 'It ends here.', ...settings });
  const body = JSON.stringify({ username: 'alice', password: 'x', auth: { type: 'm.login.dummy' } });
  const answer = await fetch(`${gateway.url}/_matrix/client/v3/register`, { method: 'POST', body });
  ({ access_token: token } = (await answer.json()) as { access_token: string });
}

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${gateway.url}/_matrix/client/${path}`, { headers: { authorization: `Bearer ${token}` }, ...init });
const datesOf = ({ headers }: Response) =>
  ['deprecation', 'sunset', 'link', 'access-control-allow-origin'].map((name) => headers.get(name));

describe('dates ahead', () => {
  test('of our own endpoints, of what passes, and of errors -> on each of their answers; on no others', async () => {
    await start({
      deprecatedSince: new Map([
        ['initial-sync', PAST],
        ['r0', PAST],
      ]),
      sunsetOn: new Map([
        ['initial-sync', FUTURE],
        ['r0', FUTURE],
        ['query-token', FUTURE],
      ]),
      sunsetLink: 'https://example.org/old',
    });
    const links = '<https://example.org/old>; rel="deprecation", <https://example.org/old>; rel="sunset"';
    const sunset = 'Fri, 01 Jan 2100 00:00:00 GMT';
    const whole = ['@1577836800', sunset, links, '*'];
    const initial = await ask('v3/initialSync');
    expect(datesOf(initial)).toEqual(whole);
    expect(await initial.json()).toHaveProperty('rooms');
    const passed = await ask('r0/account/whoami');
    expect(datesOf(passed)).toEqual(whole);
    expect(await passed.json()).toHaveProperty('user_id');
    const refused = await ask('r0/initialSync', { headers: {} });
    expect([refused.status, ...datesOf(refused)]).toEqual([401, ...whole]);
    const inQuery = await ask(`v3/account/whoami?access_token=${token}`, { headers: {} });
    expect(datesOf(inQuery)).toEqual([null, sunset, '<https://example.org/old>; rel="sunset"', '*']);
    expect(datesOf(await ask('v3/account/whoami'))).toEqual([null, null, null, '*']);
    expect(datesOf(await ask('v3/events?timeout=0'))).toEqual([null, null, null, '*']);
    expect(datesOf(await ask('v3/events?timeout=0&room_id=!a:sandbox.test'))).toEqual([
      null,
      null,
      null,
      '*',
    ]);
  });
});

describe('after a sunset', () => {
  test('refused -> 410 in the operator’s words, and the homeserver is not asked; counted as a use', async () => {
    await start({
      sunsetOn: new Map([
        ['events', PAST],
        ['r0', PAST],
      ]),
      sunsetAnswer: 'refuse',
      sunsetLink: 'https://example.org/old',
    });
    const expected = { errcode: 'M_UNRECOGNIZED', error: 'It ends here. https://example.org/old' };
    for (const path of ['v3/events?timeout=0', 'r0/account/whoami']) {
      const answer = await ask(path, {
        headers: { authorization: `Bearer ${token}`, 'user-agent': 'old/1' },
      });
      expect([answer.status, await answer.json()]).toEqual([410, expected]);
      expect(datesOf(answer)).toEqual([
        null,
        'Wed, 01 Jan 2020 00:00:00 GMT',
        '<https://example.org/old>; rel="sunset"',
        '*',
      ]);
    }
    expect((await ask('v3/events?timeout=0&room_id=!a:sandbox.test')).status).toBe(403);
    expect((await ask('v3/initialSync')).status).toBe(200);
    expect((await ask('r0/account/whoami', { method: 'OPTIONS' })).ok).toBe(true);
    const { rows } = (await (await fetch(`${gateway.internalUrl}/usage.json`)).json()) as UsageReport;
    const row = rows.find(({ feature, client }) => feature === 'events' && client === 'old');
    expect(row).toMatchObject({ requests: 1, errors: 1, last_seen: expect.any(String) });
    expect(await (await fetch(`${gateway.internalUrl}/`)).text()).toMatch(/refused since 2020-01-01/);
  });

  test('served on -> as before', async () => {
    await start({ sunsetOn: new Map([['events', PAST]]) });
    const answer = await ask('v3/events?timeout=0');
    expect([answer.status, answer.headers.get('sunset')]).toEqual([200, 'Wed, 01 Jan 2020 00:00:00 GMT']);
  });
});

describe('a brownout', () => {
  test('goes on -> 503 until it ends, for what has its sunset ahead', async () => {
    await start({
      sunsetOn: new Map([
        ['events', FUTURE],
        ['event', PAST],
      ]),
      brownout: { cron: '* * * * *', lengthMs: 120_000 },
    });
    const answer = await ask('v3/events?timeout=0');
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { errcode: 'M_UNKNOWN', error: 'It ends here.', retry_after_ms: expect.any(Number) },
    ]);
    const retryAfter = Number(answer.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(59);
    expect(retryAfter).toBeLessThanOrEqual(120);
    expect((await ask('v3/initialSync')).status).toBe(200);
    expect((await ask('v3/events/$none')).status).toBe(404);
    expect(await (await fetch(`${gateway.internalUrl}/`)).text()).toMatch(/A brownout goes on until/);
  });
});
