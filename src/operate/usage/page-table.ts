// The rows of the report, sorted as the reader wants.

import { FEATURES, type Feature } from '../../matrix/legacy-features.ts';
import { DAYS } from './days.ts';
import { html, type Html } from './html.ts';
import type { UsageReport, UsageRow } from './report.ts';
import { agoInWords, count } from './words.ts';

export interface Sorting {
  by: Column['id'];
  isAscending: boolean;
}

export interface Column {
  id: 'feature' | 'client' | 'requests' | 'errors' | 'accounts' | 'first' | 'last';
  title: string;
  isNumber?: true;
  valueOf(row: UsageRow): string | number;
}

const titles: ReadonlyMap<string, string> = new Map(FEATURES.map(({ id, title }) => [id, title]));
const order: ReadonlyMap<string, number> = new Map(FEATURES.map(({ id }, i) => [id, i]));
const momentOf = (text: string | null): number => (text === null ? 0 : Date.parse(text));

export const COLUMNS: readonly Column[] = [
  { id: 'feature', title: 'What', valueOf: ({ feature }) => order.get(feature) ?? 0 },
  { id: 'client', title: 'Client', valueOf: ({ client }) => client.toLowerCase() },
  { id: 'requests', title: 'Requests', isNumber: true, valueOf: ({ requests }) => requests },
  { id: 'errors', title: 'Errors', isNumber: true, valueOf: ({ errors }) => errors },
  { id: 'accounts', title: 'Accounts', isNumber: true, valueOf: ({ accounts }) => accounts },
  { id: 'first', title: 'First seen', valueOf: ({ first_seen: first }) => momentOf(first) },
  { id: 'last', title: 'Last seen', valueOf: ({ last_seen: last }) => momentOf(last) },
];

const BY_DEFAULT: Sorting = { by: 'last', isAscending: false };

/** A query, as a browser sends it → how to sort; the latest use first where it does not say. */
export function readSorting(query: URLSearchParams): Sorting {
  const by = COLUMNS.find(({ id }) => id === query.get('sort'))?.id;
  return by === undefined ? BY_DEFAULT : { by, isAscending: query.get('order') === 'up' };
}

/** One section's rows as a table that a screen reader can read, too. */
export function tableOf(
  report: UsageReport,
  options: {
    section: Feature['section'];
    sorting: Sorting;
    usersOf: (row: UsageRow) => readonly string[];
  },
): Html {
  const { section, sorting, usersOf } = options;
  const wanted = new Set<string>(
    FEATURES.filter((feature) => feature.section === section).map(({ id }) => id),
  );
  const rows = sort(
    report.rows.filter(({ feature }) => wanted.has(feature)),
    sorting,
  );
  if (rows.length === 0) return html`<p>No requests were counted.</p>`;
  return html`<div class="scroll">
    <table role="table">
      <caption>
        ${count(rows.length, 'row')}: one for each feature and client. A bar is a day; the last one is today,
        in UTC.
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${COLUMNS.map((column) => headerOf(column, sorting))}
          <th role="columnheader" scope="col">30 days</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map((row) => rowOf(row, report.at, usersOf(row)))}
      </tbody>
    </table>
  </div>`;
}

function sort(rows: readonly UsageRow[], { by, isAscending }: Sorting): UsageRow[] {
  const column = COLUMNS.find(({ id }) => id === by) ?? COLUMNS[0];
  const sign = isAscending ? 1 : -1;
  return rows.toSorted((a, b) => {
    const [one = '', other = ''] = [column?.valueOf(a), column?.valueOf(b)];
    if (one === other) return a.feature < b.feature ? -1 : 1;
    return one < other ? -sign : sign;
  });
}

function headerOf({ id, title, isNumber }: Column, { by, isAscending }: Sorting): Html {
  const isSorted = id === by;
  // What stands first on the first click: names from A, numbers and moments from the top.
  const isNextUp = isSorted ? !isAscending : id === 'feature' || id === 'client';
  const sorted = isAscending ? 'ascending' : 'descending';
  const arrow = isSorted ? (isAscending ? ' ▲' : ' ▼') : '';
  return html`<th
    scope="col"
    ${isSorted ? html` aria-sort="${sorted}"` : ''}${isNumber ? html` class="number"` : ''}
  >
    <a href="?sort=${id}&amp;order=${isNextUp ? 'up' : 'down'}">${title}</a>${arrow}
  </th>`;
}

function rowOf(row: UsageRow, now: string, users: readonly string[]): Html {
  const { feature, client, requests, errors, accounts, prefixes } = row;
  const title = titles.get(feature) ?? feature;
  const asked = Object.keys(prefixes).filter((prefix) => prefix !== 'other');
  return html`<tr role="row">
    <th role="rowheader" scope="row">
      ${title}${asked.length > 0 ? html` <span class="faint">under ${asked.join(', ')}</span>` : ''}
    </th>
    <td role="cell" data-label="Client">
      <span
        >${client}${users.length > 0 ? html`<br /><span class="faint">${users.join(', ')}</span>` : ''}</span
      >
    </td>
    <td role="cell" data-label="Requests" class="number">${requests}</td>
    <td role="cell" data-label="Errors" class="number">${errors}</td>
    <td role="cell" data-label="Accounts" class="number">${accounts === 0 ? '–' : accounts}</td>
    <td role="cell" data-label="First seen">${timeOf(row.first_seen, now)}</td>
    <td role="cell" data-label="Last seen">${timeOf(row.last_seen, now)}</td>
    <td role="cell" data-label="30 days">${barsOf(row.days)}</td>
  </tr>`;
}

function timeOf(moment: string | null, now: string): Html {
  if (moment === null) return html`<span>never with success</span>`;
  const shown = `${moment.slice(0, 16).replace('T', ' ')} UTC`;
  return html`<time datetime="${moment}" title="${shown}">${agoInWords(moment, now)}</time>`;
}

const HEIGHT = 28;

function barsOf(days: readonly number[]): Html {
  const most = Math.max(1, ...days);
  const bars = days.map((requests, i) => {
    const height = requests === 0 ? 1 : Math.max(2, Math.round((requests / most) * HEIGHT));
    return html`<rect
      x="${i * 4}"
      y="${HEIGHT - height}"
      width="3"
      height="${height}"
      ${requests === 0 ? html` class="base"` : ''}
    />`;
  });
  const today = days.at(-1) ?? 0;
  const label = `${count(days.filter((requests) => requests > 0).length, 'day')} with requests of ${DAYS}; at most ${most} a day, ${today} today`;
  return html`<svg
    role="img"
    aria-label="${label}"
    viewBox="0 0 ${DAYS * 4} ${HEIGHT}"
    preserveAspectRatio="none"
  >
    ${bars}
  </svg>`;
}
