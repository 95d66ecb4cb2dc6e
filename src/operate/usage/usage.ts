// Who still uses what of the old API: counted by feature and client, bounded, and without an id or a token being kept.

import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import type { Clock } from '../../scheduling/clock.ts';
import { clientNameOf } from './client-name.ts';
import { dayOf } from './days.ts';
import type { FeatureId } from '../../matrix/legacy-features.ts';
import { UnnamedAccounts } from './unnamed-accounts.ts';
import { REPORT_VERSION, type Happenings, type UsageReport, type UsageRow } from './report.ts';
import { emptyRow, fromUsageRow, keyOf, toText, toUsageRow, type Row } from './row.ts';

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

/**
 * Builds what counts uses. A row is a feature and a client; whatever clients call themselves, there are never more than 200
 * of them. A name is only taken up with a request that was let, so that scanners do not use up the names.
 */
export function createUsage(options: { clock: Pick<Clock, 'now'>; keepsUsers: boolean }): Usage {
  return new CountedUsage(options);
}

class CountedUsage implements Usage {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #keepsUsers: boolean;
  readonly #started: Milliseconds;
  #since: Milliseconds;
  #key: Buffer = randomBytes(32);
  readonly #rows = new Map<string, Row>();
  readonly #clients = new Set<string>([OTHER]);
  readonly #unnamed = new UnnamedAccounts<Row>();
  uses = 0;

  constructor({ clock, keepsUsers }: { clock: Pick<Clock, 'now'>; keepsUsers: boolean }) {
    this.#clock = clock;
    this.#keepsUsers = keepsUsers;
    this.#started = clock.now();
    this.#since = this.#started;
  }

  note(use: Use): void {
    this.uses += 1;
    const client = this.#clientOf(use);
    const token = use.accessToken === undefined ? undefined : this.#hash(use.accessToken);
    const user = use.userId === undefined ? undefined : this.#hash(use.userId);
    if (token !== undefined && user !== undefined) this.#unnamed.name(token, user);
    for (const feature of use.features) {
      const row = this.#rowOf(feature, client);
      this.#add(row, use);
      if (!isUse(use.status)) continue;
      if (user !== undefined) row.accounts.add(user);
      else if (token !== undefined) this.#unnamed.note(token, row);
    }
  }

  report(happenings: Happenings): UsageReport {
    const now = this.#clock.now();
    const accountsOf = this.#unnamed.withNamed();
    return {
      version: REPORT_VERSION,
      at: toText(now),
      since: toText(this.#since),
      started: toText(this.#started),
      account_key: createHash('sha256').update(this.#key).digest('hex').slice(0, 16),
      happenings,
      rows: [...this.#rows.values()].map((row) =>
        toUsageRow(row, accountsOf.get(row) ?? row.accounts, dayOf(now)),
      ),
    };
  }

  usersOf(row: Pick<UsageRow, 'feature' | 'client'>): readonly string[] {
    return [...(this.#rows.get(keyOf(row))?.users ?? [])];
  }

  save(): SavedUsage {
    return { key: this.#key.toString('hex'), report: this.report(NOTHING_HAPPENED) };
  }

  restore({ key, report }: SavedUsage): void {
    this.#key = Buffer.from(key, 'hex');
    this.#since = Date.parse(report.since);
    const lastDay = dayOf(Date.parse(report.at));
    for (const row of report.rows) {
      this.#rows.set(keyOf(row), fromUsageRow(row, lastDay));
      this.#clients.add(row.client);
    }
  }

  #hash(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }

  #clientOf({ userAgent, status }: Use): string {
    const name = clientNameOf(userAgent);
    if (this.#clients.has(name)) return name;
    if (!isUse(status) || this.#clients.size > MOST_CLIENTS) return OTHER;
    this.#clients.add(name);
    return name;
  }

  #rowOf(feature: FeatureId, client: string): Row {
    const key = keyOf({ feature, client });
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = emptyRow(feature, client, dayOf(this.#clock.now()));
      this.#rows.set(key, row);
    }
    return row;
  }

  #add(row: Row, { status, prefix, userId }: Use): void {
    const now = this.#clock.now();
    row.requests += 1;
    row.prefixes.set(prefix, (row.prefixes.get(prefix) ?? 0) + 1);
    row.days.add(dayOf(now));
    if (status >= 400) row.errors += 1;
    if (!isUse(status)) return;
    row.firstSeen ??= now;
    row.lastSeen = now;
    if (this.#keepsUsers && userId !== undefined && row.users.size < MOST_USERS) row.users.add(userId);
  }
}

/**
 * Whether somebody wanted the feature, and was let. What was refused for want of a right may be a scanner's; what the
 * gateway or the homeserver could not serve, limited, or no longer serves (410) was somebody's.
 */
function isUse(status: number): boolean {
  return status < 400 || status === 410 || status === 429 || status >= 500;
}
