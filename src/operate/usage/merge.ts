import { AccountSketch } from './account-sketch.ts';
import { dayOf, Days } from './days.ts';
import type { UsageReport, UsageRow } from './report.ts';

/** Reports of several replicas → one, as if one had answered all. Throws where there is none. */
export function mergeReports(reports: readonly UsageReport[]): UsageReport {
  const [first, ...others] = reports;
  if (first === undefined) throw new Error('no report to merge');
  return others.reduce(mergeTwo, first);
}

function mergeTwo(one: UsageReport, other: UsageReport): UsageReport {
  const at = latest(one.at, other.at);
  const isSameKey = one.account_key === other.account_key;
  const rows = new Map<string, UsageRow>();
  for (const report of [one, other])
    for (const row of report.rows) {
      const moved = { ...row, days: daysUpTo(row.days, report.at, at) };
      const key = `${row.feature}\n${row.client}`;
      const known = rows.get(key);
      rows.set(key, known === undefined ? moved : mergeRows(known, moved, isSameKey));
    }
  const sum = (name: keyof UsageReport['happenings']): number =>
    one.happenings[name] + other.happenings[name];
  return {
    version: one.version,
    at,
    since: earliest(one.since, other.since),
    started: latest(one.started, other.started),
    account_key: isSameKey ? one.account_key : '',
    happenings: {
      shared_device_sessions: sum('shared_device_sessions'),
      refused_rooms: sum('refused_rooms'),
      differences: sum('differences'),
    },
    rows: [...rows.values()],
  };
}

/** Accounts that were counted with different keys cannot be told apart: their sum is the most that there can be. */
function mergeRows(one: UsageRow, other: UsageRow, isSameKey: boolean): UsageRow {
  const accounts = AccountSketch.fromText(one.account_sketch);
  accounts.addAll(AccountSketch.fromText(other.account_sketch));
  const prefixes = { ...one.prefixes };
  for (const [prefix, count] of Object.entries(other.prefixes))
    prefixes[prefix] = (prefixes[prefix] ?? 0) + count;
  return {
    feature: one.feature,
    client: one.client,
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
    accounts: isSameKey ? accounts.count() : one.accounts + other.accounts,
    account_sketch: isSameKey ? accounts.toText() : '',
    prefixes,
    first_seen: earliest(one.first_seen, other.first_seen),
    last_seen: latest(one.last_seen, other.last_seen),
    days: one.days.map((count, i) => count + (other.days[i] ?? 0)),
  };
}

function daysUpTo(days: readonly number[], at: string, wanted: string): number[] {
  return new Days(dayOf(Date.parse(at)), days).upTo(dayOf(Date.parse(wanted)));
}

function earliest<Moment extends string | null>(one: Moment, other: Moment): Moment {
  if (one === null || other === null) return one ?? other;
  return Date.parse(one) <= Date.parse(other) ? one : other;
}

function latest<Moment extends string | null>(one: Moment, other: Moment): Moment {
  if (one === null || other === null) return one ?? other;
  return Date.parse(one) >= Date.parse(other) ? one : other;
}
