// The question that the report is read for: can this be switched off?

import { AccountSketch } from './account-sketch.ts';
import { FEATURES, type Feature, type FeatureId } from '../../matrix/legacy-features.ts';
import type { UsageReport, UsageRow } from './report.ts';
import { agoInWords, count, daysBetween } from './words.ts';

export interface Answer {
  feature: Feature & { id: FeatureId };
  /** `unused`: nobody since counting began. `quiet`: nobody for a day or longer. `used`: within the last day. */
  state: 'unused' | 'quiet' | 'used';
  /** `nobody for 12 days`, `2 accounts with WeeChat, last 3 minutes ago`. */
  words: string;
}

/** A report → for each feature whether somebody would miss it. */
export function answersOf(report: UsageReport): Answer[] {
  return FEATURES.map((feature) => answerOf(feature, report));
}

function answerOf(feature: Answer['feature'], report: UsageReport): Answer {
  const rows = report.rows
    .filter((row) => row.feature === feature.id && row.last_seen !== null)
    .toSorted((a, b) => Date.parse(b.last_seen ?? '') - Date.parse(a.last_seen ?? ''));
  const last = rows[0]?.last_seen;
  if (last === undefined || last === null) {
    const days = daysBetween(report.since, report.at);
    const words =
      days === 0 ? 'nobody yet: counting began today' : `nobody in ${count(days, 'day')} of counting`;
    return { feature, state: 'unused', words };
  }
  const days = daysBetween(last, report.at);
  if (days >= 1)
    return {
      feature,
      state: 'quiet',
      words: `nobody for ${count(days, 'day')}, then ${whoOf(rows, report)}`,
    };
  return { feature, state: 'used', words: `${whoOf(rows, report)}, last ${agoInWords(last, report.at)}` };
}

const NAMED = 2;

function whoOf(rows: readonly UsageRow[], report: UsageReport): string {
  const names = rows.slice(0, NAMED).map(({ client }) => client);
  const more = rows.length - names.length;
  const clients = more > 0 ? `${names.join(', ')} and ${count(more, 'other client')}` : names.join(' and ');
  const accounts = accountsOf(rows, report);
  return accounts === 0 ? clients : `${count(accounts, 'account')} with ${clients}`;
}

/** An account that uses two clients is one; where counts of several keys were merged, it is at most their sum. */
function accountsOf(rows: readonly UsageRow[], { account_key: key }: UsageReport): number {
  if (key === '') return rows.reduce((sum, { accounts }) => sum + accounts, 0);
  const all = new AccountSketch();
  for (const { account_sketch: sketch } of rows) all.addAll(AccountSketch.fromText(sketch));
  return all.count();
}
