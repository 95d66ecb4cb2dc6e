// The usage report of a gateway, from requests to the page.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runUsage } from '../../../src/operate/usage/command.ts';
import type { UsageReport } from '../../../src/operate/usage/report.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { startGateway, type Gateway } from '../../support/gateway.ts';

let folder: string;
let sandbox: Awaited<ReturnType<typeof createSandbox>>;
let gateway: Gateway | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindsync-usage-'));
  sandbox = await createSandbox();
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await sandbox.close();
  await rm(folder, { recursive: true });
});

const start = async (settings: Parameters<typeof startGateway>[1] = {}): Promise<Gateway> => {
  gateway = await startGateway(sandbox.url, settings);
  return gateway;
};
const agent = (name: string) => ({ headers: { 'user-agent': name } });

async function register(url: string, username: string): Promise<string> {
  const body = JSON.stringify({ username, password: 'x', auth: { type: 'm.login.dummy' } });
  const answer = await fetch(`${url}/_matrix/client/v3/register`, { method: 'POST', body });
  return ((await answer.json()) as { access_token: string }).access_token;
}

const reportOf = async ({ internalUrl }: Gateway): Promise<UsageReport> =>
  (await (await fetch(`${internalUrl}/usage.json`)).json()) as UsageReport;
const rowsOf = ({ rows }: UsageReport) =>
  rows.map(({ feature, client, requests, accounts, prefixes }) => [
    feature,
    client,
    requests,
    accounts,
    prefixes,
  ]);

describe('/usage.json', () => {
  test("a URL with more parameters than are read, passed and refused -> counted, as nobody's", async () => {
    const { url } = await start();
    for (const path of ['voip/turnServer', 'events'])
      await (
        await fetch(`${url}/_matrix/client/r0/${path}?${'a&'.repeat(1200)}`, agent('odd/1'))
      ).arrayBuffer();
    const counted = rowsOf(await reportOf(gateway as Gateway)).filter(([feature]) => feature === 'r0');
    expect(counted.map(([, , requests, accounts]) => [requests, accounts])).toEqual([[2, 0]]);
  });

  test('endpoints, prefixes, tokens in queries, media -> a row for each, with accounts', async () => {
    const { url } = await start();
    const [alice, bob] = [await register(url, 'alice'), await register(url, 'bob')];
    const ask = async (path: string, name = 'WeeChat/3'): Promise<void> =>
      void (await (await fetch(`${url}/_matrix/${path}`, agent(name))).arrayBuffer());
    await ask(`client/r0/initialSync?access_token=${alice}`);
    await ask(`client/r0/initialSync?access_token=${bob}`);
    await ask(`client/api/v1/events?timeout=0&access_token=${alice}`);
    await ask(`client/v3/events?timeout=0&room_id=!none:sandbox.test&access_token=${alice}`, 'Element/1');
    await ask(`client/api/v1/publicRooms`, 'old/1');
    await ask(`client/v3/publicRooms`, 'new/1');
    await ask(`media/v3/download/sandbox.test/none?access_token=${alice}`);
    await ask(`client/r0/initialSync?access_token=none`, 'scanner/1');
    const report = await reportOf(gateway as Gateway);
    expect(rowsOf(report).toSorted()).toEqual(
      [
        ['initial-sync', 'WeeChat', 2, 2, { r0: 2 }],
        ['r0', 'WeeChat', 2, 2, { r0: 2 }],
        ['query-token', 'WeeChat', 4, 2, { r0: 2, 'api/v1': 1, other: 1 }],
        ['events', 'WeeChat', 1, 1, { 'api/v1': 1 }],
        ['api-v1', 'old', 1, 0, { 'api/v1': 1 }],
        ['peek-events', 'other', 1, 0, { v3: 1 }],
        ['query-token', 'other', 2, 0, { v3: 1, r0: 1 }],
        // A 404: a request, and nobody's use.
        ['old-media', 'WeeChat', 1, 0, { other: 1 }],
        ['initial-sync', 'other', 1, 0, { r0: 1 }],
        ['r0', 'other', 1, 0, { r0: 1 }],
      ].toSorted(),
    );
    const metrics = await (await fetch(`${gateway?.internalUrl}/metrics`)).text();
    expect(metrics).toContain('hindsync_legacy_requests_total{feature="initial-sync",prefix="r0"} 3');
    for (const secret of [alice, bob, '@alice', '@bob']) expect(JSON.stringify(report)).not.toContain(secret);
  });
});

describe('the page', () => {
  test('asked for -> HTML that a browser may not mix with anything', async () => {
    const { internalUrl, url } = await start();
    const answer = await fetch(`${internalUrl}/?sort=requests&order=up`);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base/,
    );
    expect(await answer.text()).toContain('Can I switch it off?');
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/usage.json`)).status).toBe(404);
  });

  test('users, where the operator wants them -> on the page, and nowhere else', async () => {
    const usageFile = join(folder, 'usage.json');
    const { url, internalUrl } = await start({ usageUserIds: true, usageFile });
    const token = await register(url, 'alice');
    await (
      await fetch(`${url}/_matrix/client/r0/initialSync?access_token=${token}`, agent('a/1'))
    ).arrayBuffer();
    expect(await (await fetch(`${internalUrl}/`)).text()).toContain('@alice:');
    expect(JSON.stringify(await reportOf(gateway as Gateway))).not.toContain('alice');
    expect(await (await fetch(`${internalUrl}/metrics`)).text()).not.toContain('alice');
    await gateway?.close();
    gateway = undefined;
    expect(await readFile(usageFile, 'utf8')).not.toContain('alice');
  });
});

describe('hindsync usage', () => {
  test('two replicas, one of them restarted -> one table of all', async () => {
    const usageFile = join(folder, 'usage.json');
    const ask = async ({ url }: Gateway): Promise<void> =>
      void (await (await fetch(`${url}/_matrix/client/r0/publicRooms`, agent('WeeChat/3'))).arrayBuffer());
    const first = await startGateway(sandbox.url, { usageFile });
    await ask(first);
    await first.close();
    const [one, other] = [await startGateway(sandbox.url, { usageFile }), await startGateway(sandbox.url)];
    await ask(one);
    await ask(other);
    let text = '';
    let json = '';
    const urls = [one.internalUrl, `${other.internalUrl}/usage.json`];
    await runUsage({ urls, json: false, write: (part) => (text += part) });
    await runUsage({ urls, json: true, write: (part) => (json += part) });
    expect(text).toMatch(/^the prefix r0 +WeeChat +3 +0 +- +just now$/m);
    expect(rowsOf(JSON.parse(json))).toEqual([['r0', 'WeeChat', 3, 0, { r0: 3 }]]);
    await one.close();
    await other.close();
  });

  test.each([
    { given: 'nobody', url: 'http://127.0.0.1:9', says: /127\.0\.0\.1:9: nobody listens/ },
    { given: 'no URL', url: 'example.org', says: /is no URL/ },
  ])('$given -> says so, and prints no table that lacks one', async ({ url, says }) => {
    await expect(runUsage({ urls: [url], json: false, write: () => {} })).rejects.toThrow(says);
  });

  test('something else that answers -> says so', async () => {
    await expect(runUsage({ urls: [sandbox.url], json: false, write: () => {} })).rejects.toThrow(
      /no usage report/,
    );
  });
});
