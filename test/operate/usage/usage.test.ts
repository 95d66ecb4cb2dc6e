import { describe, expect, test } from 'vitest';
import { answersOf } from '../../../src/operate/usage/answers.ts';
import { mergeReports } from '../../../src/operate/usage/merge.ts';
import { toPage } from '../../../src/operate/usage/page.ts';
import { reportSchema, type UsageReport } from '../../../src/operate/usage/report.ts';
import { createUsage, MOST_CLIENTS, OTHER, type Use, type Usage } from '../../../src/operate/usage/usage.ts';

const NOTHING = { shared_device_sessions: 0, refused_rooms: 0, differences: 0 };
const START = Date.parse('2026-12-01T10:00:00Z');
const DAY = 24 * 60 * 60_000;

function count(keepsUsers = false): {
  usage: Usage;
  at: { now: number };
  note: (use?: Partial<Use>) => void;
} {
  const at = { now: START };
  const usage = createUsage({ clock: { now: () => at.now }, keepsUsers });
  const use: Use = {
    features: ['events'],
    userAgent: 'WeeChat/3.8',
    prefix: 'r0',
    status: 200,
    accessToken: 'token of alice',
    userId: '@alice:example.org',
  };
  return { usage, at, note: (given = {}) => usage.note({ ...use, ...given }) };
}

const rowIn = (report: UsageReport, feature: string, client: string) =>
  report.rows.find((row) => row.feature === feature && row.client === client);
const wordsOf = (report: UsageReport, feature: string) =>
  answersOf(report).find((answer) => answer.feature.id === feature)?.words;

describe('counting', () => {
  test('uses of a feature by a client -> one row', () => {
    const { usage, at, note } = count();
    note();
    at.now += 60_000;
    note({ userId: '@bob:example.org', prefix: 'api/v1' });
    note({ status: 502 });
    const report = usage.report(NOTHING);
    expect(report.rows).toHaveLength(1);
    expect(report.rows[0]).toMatchObject({
      feature: 'events',
      client: 'WeeChat',
      requests: 3,
      errors: 1,
      accounts: 2,
      prefixes: { r0: 2, 'api/v1': 1 },
      first_seen: '2026-12-01T10:00:00.000Z',
      last_seen: '2026-12-01T10:01:00.000Z',
    });
    expect(report.rows[0]?.days).toEqual([...Array<number>(29).fill(0), 3]);
    expect(reportSchema.parse(report)).toEqual(report);
  });

  test('the days that pass -> bars that move', () => {
    const { usage, at, note } = count();
    note();
    at.now += 2 * DAY;
    note();
    note();
    expect(usage.report(NOTHING).rows[0]?.days.slice(-3)).toEqual([1, 0, 2]);
    at.now += 28 * DAY;
    expect(usage.report(NOTHING).rows[0]?.days.slice(0, 2)).toEqual([0, 2]);
    at.now += 2 * DAY;
    expect(usage.report(NOTHING).rows[0]?.days).toEqual(Array(30).fill(0));
    note();
    expect(usage.report(NOTHING).rows[0]?.days.at(-1)).toBe(1);
  });

  test('what is refused for want of a right -> counted, and nobody’s use', () => {
    const { usage, note } = count();
    note({ status: 401, userAgent: 'scanner/1' });
    const report = usage.report(NOTHING);
    expect(rowIn(report, 'events', OTHER)).toMatchObject({
      requests: 1,
      errors: 1,
      last_seen: null,
      accounts: 0,
    });
    expect(wordsOf(report, 'events')).toMatch(/^nobody/);
  });

  test.each([0, 200, 302, 410, 429, 502])('status %i -> somebody’s use', (status) => {
    const { usage, note } = count();
    note({ status });
    expect(usage.report(NOTHING).rows[0]).toMatchObject({ client: 'WeeChat', last_seen: expect.any(String) });
  });

  test('100,000 User-Agents and accounts -> 200 clients, and a report of a few MB', () => {
    const { usage, note } = count();
    const features = ['events', 'r0', 'query-token', 'api-v1', 'event', 'old-media'] as const;
    for (let i = 0; i < 100_000; i += 1)
      note({ userAgent: `client-${i}/1`, userId: `@user-${i}:example.org`, features });
    const report = usage.report(NOTHING);
    expect(new Set(report.rows.map(({ client }) => client)).size).toBe(MOST_CLIENTS + 1);
    expect(rowIn(report, 'events', OTHER)?.requests).toBe(100_000 - MOST_CLIENTS);
    const { accounts = 0 } = rowIn(report, 'events', OTHER) ?? {};
    expect(Math.abs(accounts / 100_000 - 1)).toBeLessThan(0.15);
    expect(JSON.stringify(report).length).toBeLessThan(3 * 1024 * 1024);
  });

  test('a token whose user is not known -> an account; and its user in its place, once that is known', () => {
    const { usage, note } = count();
    note({ accessToken: 'one', userId: undefined });
    note({ accessToken: 'two', userId: undefined });
    note({ accessToken: 'two', userId: undefined, features: ['r0'] });
    expect(usage.report(NOTHING).rows.map(({ accounts }) => accounts)).toEqual([2, 1]);
    note({ accessToken: 'one', features: ['event'] });
    note({ accessToken: 'two', features: ['event'] });
    note({ accessToken: 'one' });
    expect(usage.report(NOTHING).rows.map(({ accounts }) => accounts)).toEqual([1, 1, 1]);
  });

  test('more tokens without a user than are remembered -> all are counted', () => {
    const { usage, note } = count();
    for (let i = 0; i < 6000; i += 1) note({ accessToken: `token-${i}`, userId: undefined });
    const { accounts = 0 } = usage.report(NOTHING).rows[0] ?? {};
    expect(Math.abs(accounts / 6000 - 1)).toBeLessThan(0.15);
  });

  test('no id and no token -> in what is told or kept', () => {
    const { usage, note } = count();
    note({ accessToken: 'secret-token', userId: undefined });
    note();
    expect(JSON.stringify([usage.report(NOTHING), usage.save()])).not.toMatch(/secret|alice/);
    expect(usage.usersOf({ feature: 'events', client: 'WeeChat' })).toEqual([]);
  });

  test('users, where the operator wants them -> named to the page alone', () => {
    const { usage, note } = count(true);
    for (let i = 0; i < 30; i += 1) note({ userId: `@user-${i}:example.org` });
    expect(usage.usersOf({ feature: 'events', client: 'WeeChat' })).toHaveLength(20);
    expect(JSON.stringify([usage.report(NOTHING), usage.save()])).not.toMatch(/user-/);
  });

  test('saved and restored -> goes on, and knows its accounts', () => {
    const { usage, note } = count();
    note();
    const next = count();
    next.at.now += 3 * DAY;
    next.usage.restore(usage.save());
    next.note();
    const report = next.usage.report(NOTHING);
    expect(report.since).toBe('2026-12-01T10:00:00.000Z');
    expect(report.rows[0]).toMatchObject({
      requests: 2,
      accounts: 1,
      first_seen: '2026-12-01T10:00:00.000Z',
    });
    expect(report.rows[0]?.days.slice(-4)).toEqual([1, 0, 0, 1]);
  });
});

describe('"can I switch it off?"', () => {
  test('nobody, ever -> for how long that has been counted', () => {
    const { usage, at } = count();
    expect(wordsOf(usage.report(NOTHING), 'events')).toBe('nobody yet: counting began today');
    at.now += 12.5 * DAY;
    expect(wordsOf(usage.report(NOTHING), 'events')).toBe('nobody in 12 days of counting');
  });

  test('somebody -> who, and how long ago', () => {
    const { usage, at, note } = count();
    note();
    note({ userId: '@bob:example.org' });
    at.now += 3 * 60_000;
    expect(wordsOf(usage.report(NOTHING), 'events')).toBe('2 accounts with WeeChat, last 3 minutes ago');
    note({ userAgent: 'nio/1' });
    note({ userAgent: 'curl/1', accessToken: undefined, userId: undefined });
    expect(wordsOf(usage.report(NOTHING), 'events')).toMatch(
      /^2 accounts with (nio, curl|curl, nio) and 1 other client, last just now$/,
    );
    at.now += 12 * DAY;
    expect(wordsOf(usage.report(NOTHING), 'events')).toMatch(/^nobody for 12 days, then 2 accounts with /);
  });
});

describe('merging', () => {
  test('two replicas -> sums, and the most accounts that there can be', () => {
    const [one, other] = [count(), count()];
    one.note();
    other.at.now += DAY;
    other.note();
    other.note({ features: ['r0'] });
    const merged = mergeReports([
      one.usage.report(NOTHING),
      other.usage.report({ ...NOTHING, refused_rooms: 2 }),
    ]);
    expect(rowIn(merged, 'events', 'WeeChat')).toMatchObject({
      requests: 2,
      accounts: 2,
      first_seen: '2026-12-01T10:00:00.000Z',
      last_seen: '2026-12-02T10:00:00.000Z',
    });
    expect(rowIn(merged, 'events', 'WeeChat')?.days.slice(-2)).toEqual([1, 1]);
    expect(merged.happenings.refused_rooms).toBe(2);
    expect(reportSchema.parse(merged)).toEqual(merged);
  });

  test('two of one key -> an account that uses both counts once', () => {
    const [one, other] = [count(), count()];
    other.usage.restore(one.usage.save());
    one.note();
    other.note();
    const merged = mergeReports([one.usage.report(NOTHING), other.usage.report(NOTHING)]);
    expect(rowIn(merged, 'events', 'WeeChat')).toMatchObject({ requests: 2, accounts: 1 });
  });
});

test('the page -> everything from a client is escaped', () => {
  const { usage, note } = count(true);
  note({ userId: '<img src=x onerror=alert(1)>&"\'' });
  const page = toPage(usage.report(NOTHING), {
    sorting: { by: 'last', isAscending: false },
    isRefreshed: true,
    usersOf: (row) => usage.usersOf(row),
    sunset: undefined,
    comparison: undefined,
  });
  expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;');
  expect(page).not.toContain('<img');
});
