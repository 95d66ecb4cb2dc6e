// The usage report as JSON: what `/usage.json` gives, what `usage_file` holds, what `hindsync usage` merges.

import { z } from 'zod';
import { featureIds, type FeatureId } from '../../matrix/legacy-features.ts';
import { cleanName } from './client-name.ts';
import { DAYS } from './days.ts';

export const REPORT_VERSION = 1;

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const moment = z.iso.datetime();

const row = z.object({
  feature: z.enum(featureIds as [FeatureId, ...FeatureId[]]),
  client: z.string().transform(cleanName),
  requests: count,
  errors: count,
  /** About how many different ones; 0 where none was seen, as for what needs no access token. */
  accounts: count,
  /** The sketch that `accounts` was counted with, for merging. */
  account_sketch: z.string().max(2000),
  /** The requests by the prefix that was asked. */
  prefixes: z.record(z.string().max(20), count),
  /** Null where all requests were refused: nobody has used it. */
  first_seen: moment.nullable(),
  last_seen: moment.nullable(),
  /** Requests of each day in UTC, the oldest first, the day of `at` last. */
  days: z.array(count).length(DAYS),
});

/** Other facts that an operator may want to know before a switch is turned; of this process alone, since its start. */
const happenings = z.object({
  shared_device_sessions: count,
  refused_rooms: count,
  differences: count,
});

export const reportSchema = z.object({
  version: z.literal(REPORT_VERSION),
  /** When this was said. */
  at: moment,
  /** Since when requests have been counted, restarts included. */
  since: moment,
  /** When this process began. */
  started: moment,
  /** Which key the accounts were hashed with: only sketches of the same can be merged exactly. */
  account_key: z.string().max(64),
  happenings,
  rows: z.array(row).max(10_000),
});

export type UsageReport = z.infer<typeof reportSchema>;
export type UsageRow = UsageReport['rows'][number];
export type Happenings = z.infer<typeof happenings>;
