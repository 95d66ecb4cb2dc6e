// The page for who wants to know whether anybody would notice.

import { answersOf, type Answer } from './answers.ts';
import { html, type Html } from './html.ts';
import { comparisonOf, type ShownComparison } from './page-comparison.ts';
import { STYLE_ELEMENT } from './page-style.ts';
import { tableOf, type Sorting } from './page-table.ts';
import type { UsageReport, UsageRow } from './report.ts';
import { brownoutInWords, sunsetInWords, type ShownSunset } from './sunset-words.ts';
import { count, daysBetween } from './words.ts';

export interface PageOptions {
  sorting: Sorting;
  /** Whether the page loads itself again; the link to stop that is on it. */
  isRefreshed: boolean;
  usersOf: (row: UsageRow) => readonly string[];
  /** The plan of sunsets; undefined where no feature has a date. */
  sunset: ShownSunset | undefined;
  /** The result of compare mode; undefined where nothing is compared. */
  comparison: ShownComparison | undefined;
}

const REFRESH_S = 60;

/** A report → a whole page, which needs no script and nothing from elsewhere. */
export function toPage(report: UsageReport, options: PageOptions): string {
  const answers = answersOf(report);
  const legacy = answers.filter(({ feature }) => feature.section === 'legacy');
  const previews = answers.filter(({ feature }) => feature.section === 'previews');
  const brownout = brownoutInWords(options.sunset, report.at);
  const { text } = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${options.isRefreshed ? html`<meta http-equiv="refresh" content="${REFRESH_S}" />` : ''}
        <title>Hindsync: who still uses the old API</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <header>
          <h1>Who still uses the old API</h1>
          <p>${headline(legacy)}</p>
          <p class="faint">
            As of ${shown(report.at)}; counted since ${shown(report.since)}
            (${count(daysBetween(report.since, report.at), 'day')}). ${refreshing(options)}
            <a href="usage.json">The same as JSON</a>.
          </p>
        </header>
        <main>
          <section aria-labelledby="answers">
            <h2 id="answers">Can I switch it off?</h2>
            <dl>
              ${legacy.map((answer) => answerOf(answer, sunsetInWords(options.sunset, answer.feature.id, report.at)))}
            </dl>
            ${brownout === undefined ? '' : html`<p>${brownout}</p>`}
          </section>
          ${happenings(report)} ${comparisonOf(options.comparison, report.at)}
          <section aria-labelledby="rows">
            <h2 id="rows">By feature and client</h2>
            ${tableOf(report, { ...options, section: 'legacy' })}
          </section>
          <section aria-labelledby="previews">
            <h2 id="previews">Room previews</h2>
            <p class="faint">
              Not deprecated (Matrix 1.14): today's clients use these, and many homeservers lack them.
            </p>
            <dl>${previews.map((answer) => answerOf(answer, undefined))}</dl>
            ${tableOf(report, { ...options, section: 'previews' })}
          </section>
        </main>
        <footer class="faint">
          <p>
            A client is the first word of its User-Agent; after 200 of them the rest is “other”, and so is
            whoever was only ever refused. Accounts are counted, about, without an id or a token being kept.
            Errors are answers from 400 on. All days and times are UTC.
          </p>
        </footer>
      </body>
    </html> `;
  return text;
}

const shown = (moment: string): string => `${moment.slice(0, 16).replace('T', ' ')} UTC`;

function headline(legacy: readonly Answer[]): string {
  const used = legacy.filter(({ state }) => state === 'used').length;
  if (used > 0) return `${used} of ${legacy.length} old features were used within the last day.`;
  const quiet = legacy.filter(({ state }) => state === 'quiet').length;
  return quiet > 0
    ? `None of ${legacy.length} old features was used within the last day; ${quiet} were before.`
    : `None of ${legacy.length} old features was used since counting began.`;
}

const STATES: Readonly<Record<Answer['state'], string>> = {
  used: 'in use',
  quiet: 'quiet',
  unused: 'unused',
};

function answerOf({ feature, state, words }: Answer, ending: string | undefined): Html {
  return html`<div class="answer ${state}">
    <dt>${feature.title} <span class="state">${STATES[state]}</span></dt>
    <dd>${words}</dd>
    ${ending === undefined ? '' : html`<dd class="faint">${ending}</dd>`}
  </div>`;
}

function happenings({ happenings: found, started }: UsageReport): Html {
  const lines: [number: number, thing: string, what: string][] = [
    [
      found.shared_device_sessions,
      'session',
      'shared a device with a modern client, which misses messages to it: give the old client a login of its own.',
    ],
    [found.refused_rooms, 'room', 'of a catch-up could not be read (banned, forgotten, purged).'],
    [found.differences, 'difference', "from the homeserver's own answers found by compare mode."],
  ];
  const happened = lines.filter(([number]) => number > 0);
  return html`<section aria-labelledby="happenings">
    <h2 id="happenings">Also worth knowing</h2>
    ${
      happened.length === 0
        ? html`<p>
            No session shared a device with a modern client, every room could be read, no difference was
            found.
          </p>`
        : html`<ul>
            ${happened.map(([number, thing, what]) => html`<li>${count(number, thing)} ${what}</li>`)}
          </ul>`
    }
    <p class="faint">Since this process started, ${shown(started)}.</p>
  </section>`;
}

function refreshing({ isRefreshed, sorting }: PageOptions): Html {
  const order = `sort=${sorting.by}&order=${sorting.isAscending ? 'up' : 'down'}`;
  return isRefreshed
    ? html`Loaded anew every minute (<a href="?${order}&amp;refresh=off">stop that</a>).`
    : html`Not loaded anew (<a href="?${order}">do that</a>).`;
}
