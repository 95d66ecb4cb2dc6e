// The report as a table of text, for `hindsync usage`.

import { answersOf } from './answers.ts';
import { FEATURES } from '../../matrix/legacy-features.ts';
import type { UsageReport, UsageRow } from './report.ts';
import { agoInWords, count } from './words.ts';

const titles: ReadonlyMap<string, string> = new Map(FEATURES.map(({ id, title }) => [id, title]));
const HEADER = ['what', 'client', 'requests', 'errors', 'accounts', 'last seen'];
const IS_NUMBER = [false, false, true, true, true, false];

/** A report → what a person reads in a terminal. */
export function toTerminal(report: UsageReport): string {
  const answers = answersOf(report).map(({ feature, words }) => [feature.title, words]);
  const rows = report.rows
    .toSorted((a, b) => Date.parse(b.last_seen ?? '1970-01-01') - Date.parse(a.last_seen ?? '1970-01-01'))
    .map((row) => cellsOf(row, report.at));
  const { shared_device_sessions, refused_rooms, differences } = report.happenings;
  return [
    `As of ${report.at}, counted since ${report.since}.`,
    '',
    ...align(answers, [false, false]),
    '',
    ...align([HEADER, ...rows], IS_NUMBER),
    '',
    `${count(shared_device_sessions, 'session')} share a device with a modern client, ${count(refused_rooms, 'room')} could not be read, ${count(differences, 'difference')} found.`,
    '',
  ].join('\n');
}

function cellsOf(
  { feature, client, requests, errors, accounts, last_seen: last }: UsageRow,
  now: string,
): string[] {
  return [
    titles.get(feature) ?? feature,
    client,
    String(requests),
    String(errors),
    accounts === 0 ? '-' : String(accounts),
    last === null ? 'never with success' : agoInWords(last, now),
  ];
}

function align(rows: readonly string[][], isNumber: readonly boolean[]): string[] {
  const widths = isNumber.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
