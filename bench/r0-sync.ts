// What the sections of r0's `/sync` cost, beside the same answer that is only passed: CPU time of the gateway's process per
// poll, the two in turns within one run.

import { SyncSections } from '../src/translate/sync-sections.ts';
import { measure, median, medianRatio, small, startProcess, usualHeaders } from './passthrough.ts';
import { aPollAnswer } from './poll-answer.ts';
import type { Row } from './row.ts';

const GOAL = 2;

/** Runs the bench, about ten seconds. */
export async function run(): Promise<Row[]> {
  const homeserver = await startProcess('homeserver');
  const hindsync = await startProcess('hindsync', homeserver.port);
  try {
    const filled = Buffer.concat(new SyncSections(() => '').push(aPollAnswer));
    const contestants = [ask('r0', filled.length), ask('v3', aPollAnswer.length)].map((own) => ({
      ...hindsync,
      own,
    }));
    const load = { ...small('a poll', aPollAnswer.length), goal: GOAL };
    const [r0 = [], v3 = []] = await measure(load, contestants);
    const ratio = medianRatio(r0, v3);
    return [
      {
        name: `r0/sync, ${Math.round(aPollAnswer.length / 1024)} KB`,
        measured: `filled ${Math.round(median(r0))}, passed ${Math.round(median(v3))} µs CPU`,
        ratio,
        goal: `≤ ${GOAL}× passed`,
        met: ratio <= GOAL,
      },
    ];
  } finally {
    await hindsync.stop();
    await homeserver.stop();
  }
}

function ask(prefix: string, answerLength: number): { request: Buffer; answerLength: number } {
  const line = `GET /_matrix/client/${prefix}/sync HTTP/1.1`;
  return { request: Buffer.from(`${line}\r\n${usualHeaders}\r\n`), answerLength };
}
