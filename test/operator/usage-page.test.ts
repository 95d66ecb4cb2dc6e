// The usage report in a real browser, as an operator sees it: with and without scripts, in the dark, on a phone.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createUsage } from '../../src/operate/usage/usage.ts';
import type { FeatureId } from '../../src/matrix/legacy-features.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';

/** Where pictures are left, to be looked at. */
const PICTURES = join(tmpdir(), 'hindsync-pictures');
const DAY = 24 * 60 * 60_000;
const HOSTILE = [
  '<script>document.title="owned"</script>',
  '"><img src=x onerror="document.title=1">/1',
  "';alert(1)//",
  '{{7*7}}${7*7}',
  '%3Cscript%3E',
];

let sandbox: Awaited<ReturnType<typeof createSandbox>>;
let gateway: Gateway;
/** One whose clients wish it no good. */
let attacked: Gateway;
let browser: Browser;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindsync-usage-'));
  await mkdir(PICTURES, { recursive: true });
  const usageFile = join(folder, 'usage.json');
  await writeFile(usageFile, JSON.stringify(aMonth().save()));
  sandbox = await createSandbox();
  gateway = await startGateway(sandbox.url, { usageFile });
  attacked = await startGateway(sandbox.url, { usageUserIds: true });
  for (const [i, userAgent] of HOSTILE.entries()) await use(userAgent, i);
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium-headless-shell',
    args: ['--no-sandbox'],
  });
});
afterAll(async () => {
  await browser?.close();
  await gateway?.close();
  await attacked?.close();
  await sandbox?.close();
  await rm(folder, { recursive: true });
});

/** A month on a small homeserver. */
function aMonth(): ReturnType<typeof createUsage> {
  const now = Date.now();
  const clock = { now: () => at };
  let at = now - 29 * DAY;
  const usage = createUsage({ clock, keepsUsers: false });
  const clients: [string, FeatureId[], (day: number) => number, string[]][] = [
    ['WeeChat/3.8', ['initial-sync', 'r0', 'query-token'], () => 2, ['a', 'b']],
    ['WeeChat/3.8', ['events', 'r0', 'query-token'], (day) => 180 + ((day * 37) % 90), ['a', 'b']],
    ['Riot.im/0.8.3 (Android 6.0)', ['r0'], (day) => Math.max(0, 260 - day * 10), ['c', 'd', 'e']],
    ['matterbridge', ['old-media-without-token'], (day) => (day % 7 > 4 ? 4 : 22), []],
    ['matterbridge', ['r0'], (day) => (day % 7 > 4 ? 30 : 140), ['f']],
    ['python-requests/2.2', ['api-v1', 'query-token'], (day) => (day < 17 ? 12 : 0), ['g']],
    [
      'Mozilla/5.0 Element/1.11',
      ['room-initial-sync'],
      (day) => 20 + ((day * 13) % 25),
      ['h', 'i', 'j', 'k'],
    ],
    ['Mozilla/5.0 Element/1.11', ['peek-events'], (day) => 90 + ((day * 29) % 60), ['h', 'i', 'j', 'k']],
  ];
  for (let day = 0; day < 30; day += 1) {
    at = now - (29 - day) * DAY;
    for (const [userAgent, features, perDay, accounts] of clients)
      for (let i = 0; i < perDay(day); i += 1) {
        const userId = accounts[i % accounts.length];
        const prefix = features.includes('r0') ? 'r0' : features.includes('api-v1') ? 'api/v1' : 'v3';
        const status = i % 50 === 49 ? 502 : 200;
        usage.note({ features, userAgent, prefix, status, accessToken: userId, userId });
      }
  }
  return usage;
}

async function use(userAgent: string, i: number): Promise<void> {
  const register = await fetch(`${attacked.url}/_matrix/client/r0/register`, {
    method: 'POST',
    headers: { 'user-agent': userAgent },
    body: JSON.stringify({ username: `user-${i}`, password: 'x', auth: { type: 'm.login.dummy' } }),
  });
  const { access_token: token } = (await register.json()) as { access_token: string };
  const answer = await fetch(`${attacked.url}/_matrix/client/r0/initialSync?access_token=${token}`, {
    headers: { 'user-agent': userAgent },
  });
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
}

/** Opens the page, and collects whatever a browser complains of or asks for elsewhere. */
async function open(
  options: BrowserContextOptions = {},
  { internalUrl } = gateway,
): Promise<{ page: Page; troubles: string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => troubles.push(message.text()));
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${internalUrl}/`)) troubles.push(`asks for ${request.url()}`);
  });
  await page.goto(`${internalUrl}/`);
  return { page, troubles };
}

const LAPTOP = { viewport: { width: 1180, height: 1000 } };

describe('the page of the usage report', () => {
  test('on a laptop -> tells who uses what, and asks nobody else', async () => {
    const { page, troubles } = await open(LAPTOP);
    await page.screenshot({ path: join(PICTURES, 'usage.png') });
    expect(await page.title()).toBe('Hindsync: who still uses the old API');
    const answers = await page.locator('.answer').allInnerTexts();
    expect(answers.find((text) => text.startsWith('the rest of api/v1'))).toMatch(
      /quiet.*nobody for 13 days, then 1 account with python-requests/s,
    );
    expect(answers.find((text) => text.startsWith('GET /events '))).toMatch(
      /in use.*2 accounts with WeeChat/s,
    );
    expect(answers.find((text) => text.startsWith('GET v2_alpha/sync'))).toMatch(/unused/);
    expect(troubles).toEqual([]);
  });

  test('in the dark, and on a phone without scripts -> is whole, and nothing is wider than the screen', async () => {
    const dark = await open({ ...LAPTOP, colorScheme: 'dark', javaScriptEnabled: false });
    await dark.page.screenshot({ path: join(PICTURES, 'usage-dark.png'), fullPage: true });
    const phone = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    await phone.page.screenshot({ path: join(PICTURES, 'usage-phone.png'), fullPage: true });
    await phone.page.evaluate("document.querySelector('#rows').scrollIntoView()");
    await phone.page.screenshot({ path: join(PICTURES, 'usage-phone-rows.png') });
    const width = await phone.page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
    const [light, night] = await Promise.all(
      [(await open(LAPTOP)).page, dark.page].map((page) =>
        page.evaluate<string>('getComputedStyle(document.body).backgroundColor'),
      ),
    );
    expect(light).not.toBe(night);
  });

  test('hostile User-Agents and users -> shown as text', async () => {
    const { page, troubles } = await open(LAPTOP, attacked);
    await page.screenshot({ path: join(PICTURES, 'usage-hostile.png') });
    expect(await page.locator('script, img, iframe, object').count()).toBe(0);
    expect(await page.locator('td', { hasText: '?script?document.title' }).count()).toBeGreaterThan(0);
    expect(troubles).toEqual([]);
  });

  test('a heading is clicked -> sorted by it, and clicked again the other way', async () => {
    const { page } = await open(LAPTOP);
    const column = async (): Promise<number[]> =>
      (await page.locator('section:has(#rows) td[data-label=Requests]').allInnerTexts()).map(Number);
    const heading = page.locator('section:has(#rows)').getByRole('columnheader', { name: 'Requests' });
    await heading.getByRole('link').click();
    expect(await column()).toEqual((await column()).toSorted((a, b) => b - a));
    expect(await heading.getAttribute('aria-sort')).toBe('descending');
    await heading.getByRole('link').click();
    expect(await column()).toEqual((await column()).toSorted((a, b) => a - b));
    expect(await heading.getAttribute('aria-sort')).toBe('ascending');
  });

  test('read aloud -> headings, tables with captions, rows with headers, bars with words', async () => {
    const { page } = await open(LAPTOP);
    for (const level of [1, 2]) expect(await page.getByRole('heading', { level }).count()).toBeGreaterThan(0);
    for (const landmark of ['banner', 'main', 'contentinfo'] as const)
      expect(await page.getByRole(landmark).count()).toBe(1);
    const tables = page.getByRole('table');
    expect(await tables.count()).toBe(2);
    const rows = await page.locator('tbody tr').count();
    expect(await page.getByRole('rowheader').count()).toBe(rows);
    const bars = page.getByRole('img', {
      name: /\d+ days? with requests of 30; at most \d+ a day, \d+ today/,
    });
    expect(await bars.count()).toBe(rows);
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
  });

  test('left open -> loads itself anew, unless that is stopped', async () => {
    const { page } = await open(LAPTOP);
    const refresh = page.locator('meta[http-equiv=refresh]');
    expect(await refresh.getAttribute('content')).toBe('60');
    await page.getByRole('link', { name: 'stop that' }).click();
    expect(await refresh.count()).toBe(0);
  });
});
