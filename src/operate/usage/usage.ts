// Who still uses what of the old API: counted by feature and client, bounded, and without an id or a token being kept.

import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import type { Clock } from '../../scheduling/clock.ts';
import { AccountSketch } from './account-sketch.ts';
import { clientNameOf } from './client-name.ts';
import { dayOf, Days } from './days.ts';
import type { FeatureId } from '../../matrix/legacy-features.ts';
import { UnnamedAccounts } from './unnamed-accounts.ts';
import { REPORT_VERSION, type Happenings, type UsageReport, type UsageRow } from './report.ts';

/** A finished request that used at least one feature. */
export interface Use {
  features: readonly FeatureId[];
  userAgent: string | undefined;
  /** One of a closed list. */
  prefix: string;
  /** 0 where the client left before an answer began. */
  status: number;
  /** Both are hashed at once. The user is undefined for a client that only passes through. */
  accessToken: string | undefined;
  userId: string | undefined;
}

export interface Usage {
  note(use: Use): void;
  report(happenings: Happenings): UsageReport;
  /** Users that were seen with a feature and a client, at most 20; none unless the operator asked for them. */
  usersOf(row: Pick<UsageRow, 'feature' | 'client'>): readonly string[];
  /** Returns what is kept over a restart: the report, and the key of its accounts. */
  save(): SavedUsage;
  /** Goes on from what was kept; call it before anything is counted. */
  restore(saved: SavedUsage): void;
  /** How often something was counted, so that whoever saves knows whether to. */
  readonly uses: number;
}

export interface SavedUsage {
  /** The key in hexadecimal digits. */
  key: string;
  report: UsageReport;
}

/** Different names of clients; one more is counted under `OTHER`. */
export const MOST_CLIENTS = 200;
export const OTHER = 'other';
const MOST_USERS = 20;
const NOTHING_HAPPENED: Happenings = { shared_device_sessions: 0, refused_rooms: 0, differences: 0 };

interface Row {
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

/**
 * Counts uses. A row is a feature and a client; whatever clients call themselves, there are never more than 200 of them.
 *
 * A name is only taken up with a request that the homeserver accepted, so that scanners do not use up the names.
 */
export function createUsage({
  clock,
  keepsUsers,
}: {
  clock: Pick<Clock, 'now'>;
  keepsUsers: boolean;
}): Usage {
  const started = clock.now();
  let key = randomBytes(32);
  let since = started;
  let uses = 0;
  const rows = new Map<string, Row>();
  const unnamed = new UnnamedAccounts<Row>();
  const clients = new Set<string>([OTHER]);
  const hash = (text: string): Buffer => createHmac('sha256', key).update(text).digest();

  function clientOf(userAgent: string | undefined, isAccepted: boolean): string {
    const name = clientNameOf(userAgent);
    if (clients.has(name)) return name;
    if (!isAccepted || clients.size > MOST_CLIENTS) return OTHER;
    clients.add(name);
    return name;
  }

  function rowOf(feature: FeatureId, client: string): Row {
    const id = keyOf({ feature, client });
    let row = rows.get(id);
    if (row === undefined) {
      row = emptyRow(feature, client, dayOf(clock.now()));
      rows.set(id, row);
    }
    return row;
  }

  function add(row: Row, use: Use, account: { user?: Buffer; token?: Buffer }): void {
    const now = clock.now();
    row.requests += 1;
    row.prefixes.set(use.prefix, (row.prefixes.get(use.prefix) ?? 0) + 1);
    row.days.add(dayOf(now));
    if (use.status >= 400) row.errors += 1;
    if (!isUse(use.status)) return;
    row.firstSeen ??= now;
    row.lastSeen = now;
    if (account.user !== undefined) row.accounts.add(account.user);
    else if (account.token !== undefined) unnamed.note(account.token, row);
    if (keepsUsers && use.userId !== undefined && row.users.size < MOST_USERS) row.users.add(use.userId);
  }

  return {
    note: (use) => {
      uses += 1;
      const client = clientOf(use.userAgent, isUse(use.status));
      const { accessToken, userId } = use;
      const account = {
        ...(accessToken !== undefined && { token: hash(accessToken) }),
        ...(userId !== undefined && { user: hash(userId) }),
      };
      if (account.token !== undefined && account.user !== undefined)
        unnamed.name(account.token, account.user);
      for (const feature of use.features) add(rowOf(feature, client), use, account);
    },
    report: (happenings) => {
      const now = clock.now();
      const accountsOf = unnamed.withNamed();
      return {
        version: REPORT_VERSION,
        at: toText(now),
        since: toText(since),
        started: toText(started),
        account_key: createHash('sha256').update(key).digest('hex').slice(0, 16),
        happenings,
        rows: [...rows.values()].map((row) =>
          toUsageRow(row, accountsOf.get(row) ?? row.accounts, dayOf(now)),
        ),
      };
    },
    usersOf: (row) => [...(rows.get(keyOf(row))?.users ?? [])],
    save() {
      return { key: key.toString('hex'), report: this.report(NOTHING_HAPPENED) };
    },
    restore: (saved) => {
      key = Buffer.from(saved.key, 'hex');
      since = Date.parse(saved.report.since);
      const lastDay = dayOf(Date.parse(saved.report.at));
      for (const row of saved.report.rows) {
        rows.set(keyOf(row), fromUsageRow(row, lastDay));
        clients.add(row.client);
      }
    },
    get uses() {
      return uses;
    },
  };
}

const keyOf = ({ feature, client }: { feature: string; client: string }): string => `${feature}\n${client}`;
const toText = (moment: Milliseconds): string => new Date(moment).toISOString();

/**
 * Whether somebody wanted the feature, and was let. What was refused for want of a right may be a scanner's; what the
 * gateway or the homeserver could not serve, limited, or no longer serves (410) was somebody's.
 */
function isUse(status: number): boolean {
  return status < 400 || status === 410 || status === 429 || status >= 500;
}

const emptyRow = (feature: FeatureId, client: string, day: number): Row => ({
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

function toUsageRow(row: Row, accounts: AccountSketch, today: number): UsageRow {
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

function fromUsageRow(row: UsageRow, lastDay: number): Row {
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
