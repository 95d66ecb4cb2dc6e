// What compare mode found, as a section of the page.

import type { Findings } from '../compare-mode/findings.ts';
import { html, type Html } from './html.ts';
import { agoInWords, count } from './words.ts';

export interface ShownComparison {
  mode: 'off' | 'shadow' | 'native';
  findings: Findings;
}

const ANSWERED_BY = { off: '', shadow: 'Hindsync', native: 'the homeserver' };

/** The section; nothing where nothing is compared. */
export function comparisonOf(comparison: ShownComparison | undefined, now: string): Html | '' {
  if (comparison === undefined) return '';
  const { outcomes, differences } = comparison.findings;
  const compared = outcomes.same + outcomes.different;
  const others = Object.entries(outcomes)
    .filter(([outcome, number]) => outcome !== 'same' && outcome !== 'different' && number > 0)
    .map(([outcome, number]) => `${number} ${outcome}`);
  return html`<section aria-labelledby="comparison">
    <h2 id="comparison">Compared with the homeserver's own answers</h2>
    <p>
      ${count(compared, 'answer')} compared, ${outcomes.same} the same, ${outcomes.different} different.
      Clients are answered by ${ANSWERED_BY[comparison.mode]}.
    </p>
    ${others.length === 0 ? '' : html`<p class="faint">Not compared: ${others.join(', ')}.</p>`}
    ${differences.length === 0 ? '' : tableOf(comparison.findings, now)}
  </section>`;
}

function tableOf({ differences }: Findings, now: string): Html {
  return html`<div class="scroll">
    <table role="table">
      <caption>
        Where answers differ and nobody expected it. Places have no ids and no contents.
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${['Endpoint', 'Place', 'Difference', 'Count', 'Last seen'].map(
            (title) => html`<th role="columnheader" scope="col">${title}</th>`,
          )}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${differences.map(
          ({ endpoint, place, kind, count: times, lastSeen }) =>
            html`<tr role="row">
              <th role="rowheader" scope="row">${endpoint}</th>
              <td role="cell" data-label="Place">${place}</td>
              <td role="cell" data-label="Difference">${kind}</td>
              <td role="cell" data-label="Count">${times}</td>
              <td role="cell" data-label="Last seen">${agoInWords(new Date(lastSeen).toISOString(), now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
