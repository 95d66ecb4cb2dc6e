import type { Milliseconds } from '../../matrix/identifiers.ts';
import type { FeatureId } from '../../matrix/legacy-features.ts';
import { AccountSketch } from './account-sketch.ts';
import { Days } from './days.ts';
import type { UsageRow } from './report.ts';

/** A feature and a client, as they are counted. */
export interface Row {
  feature: FeatureId;
  client: string;
  requests: number;
  errors: number;
  accounts: AccountSketch;
  prefixes: Map<string, number>;
  firstSeen: Milliseconds | undefined;
  lastSeen: Milliseconds | undefined;
  days: Days;
  users: Set<string>;
}

/** What tells a row from all others. */
export const keyOf = ({ feature, client }: { feature: string; client: string }): string =>
  `${feature}\n${client}`;

export const toText = (moment: Milliseconds): string => new Date(moment).toISOString();

/** A row in which nothing was counted, that begins on a day. */
export const emptyRow = (feature: FeatureId, client: string, day: number): Row => ({
  feature,
  client,
  requests: 0,
  errors: 0,
  accounts: new AccountSketch(),
  prefixes: new Map(),
  firstSeen: undefined,
  lastSeen: undefined,
  days: new Days(day),
  users: new Set(),
});

/** A row, with all accounts that are to be told, → the report's. */
export function toUsageRow(row: Row, accounts: AccountSketch, today: number): UsageRow {
  const { feature, client, requests, errors, prefixes, firstSeen, lastSeen, days } = row;
  return {
    feature,
    client,
    requests,
    errors,
    accounts: accounts.count(),
    account_sketch: accounts.toText(),
    prefixes: Object.fromEntries(prefixes),
    first_seen: firstSeen === undefined ? null : toText(firstSeen),
    last_seen: lastSeen === undefined ? null : toText(lastSeen),
    days: days.upTo(today),
  };
}

/** The report's row, whose last bar is a day's, → the row that goes on from it. */
export function fromUsageRow(row: UsageRow, lastDay: number): Row {
  return {
    ...emptyRow(row.feature, row.client, lastDay),
    requests: row.requests,
    errors: row.errors,
    accounts: AccountSketch.fromText(row.account_sketch),
    prefixes: new Map(Object.entries(row.prefixes)),
    firstSeen: row.first_seen === null ? undefined : Date.parse(row.first_seen),
    lastSeen: row.last_seen === null ? undefined : Date.parse(row.last_seen),
    days: new Days(lastDay, row.days),
  };
}
