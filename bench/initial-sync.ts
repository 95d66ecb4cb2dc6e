// What a big /initialSync costs, beside a plain relay of the homeserver's answer and beside parsing it whole: each in a
// process of its own, in turns within one run.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Reading } from './initial-sync-process.ts';
import type { Row } from './row.ts';

interface Contestant {
  name: string;
  port: number;
  child: ChildProcess;
}

/** One answer, as seen from both ends. */
interface Run {
  cpuMs: number;
  extraMb: number;
  longestMs: number;
  firstByteMs: number;
  totalMs: number;
  mb: number;
  isStreamed: boolean;
}

const MB = 1_000_000;
const WARM_UP_BYTES = 0.8 * MB;
const SLOW_BYTES_PER_SECOND = MB;

/** Runs the bench, about a minute and a half. CPU of the gateway's process is compared round by round. */
export async function run(): Promise<Row[]> {
  const homeserver = await startProcess('homeserver');
  const rows: Row[] = [];
  try {
    rows.push(...(await compare(homeserver, 77 * MB, 3, ['relay', 'hindsync', 'naive'])));
    // Parsed whole, this one takes three gigabytes.
    rows.push(...(await compare(homeserver, 256 * MB, 3, ['relay', 'hindsync'])));
    const slow = await measureAlone('hindsync', homeserver, 20 * MB, SLOW_BYTES_PER_SECOND);
    rows.push(...aloneRows('20 MB, read at 1 MB/s', slow));
  } finally {
    await stop(homeserver);
  }
  return rows;
}

async function compare(
  homeserver: Contestant,
  bytes: number,
  rounds: number,
  names: readonly ('hindsync' | 'relay' | 'naive')[],
): Promise<Row[]> {
  const runs: Record<'hindsync' | 'relay' | 'naive', Run[]> = { hindsync: [], relay: [], naive: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) runs[name].push(await measureAlone(name, homeserver, bytes));
  }
  const name = `${bytes / MB} MB`;
  const ours = leastCpu(runs.hindsync);
  const relays = leastCpu(runs.relay);
  const ratio = ours / relays;
  return [
    {
      name: `/initialSync ${name}, CPU`,
      measured: `hindsync ${ms(ours)}, relay ${ms(relays)}${besideNaive(runs.naive, ours)}`,
      ratio,
      goal: '≤ 3.5× the relay',
      met: ratio <= 3.5,
    },
    ...aloneRows(name, worst(runs.hindsync), runs.naive.length > 0 ? worst(runs.naive) : undefined),
  ];
}

function besideNaive(runs: Run[], ours: number): string {
  if (runs.length === 0) return '';
  const naives = leastCpu(runs);
  return `, json() + map + stringify ${ms(naives)} (${(naives / ours).toFixed(1)}× ours)`;
}

function aloneRows(name: string, ours: Run, naive?: Run): Row[] {
  const beside = (text: string | undefined) => (text === undefined ? '' : ` (json(): ${text})`);
  return [
    {
      name: `/initialSync ${name}, extra memory`,
      measured: `${ours.extraMb.toFixed(0)} MB${beside(naive && `${naive.extraMb.toFixed(0)} MB`)}`,
      ratio: ours.extraMb / 64,
      goal: '< 64 MB',
      met: ours.extraMb < 64,
    },
    {
      name: `/initialSync ${name}, longest section`,
      measured: `${ms(ours.longestMs)} CPU${beside(naive && ms(naive.longestMs))}`,
      ratio: ours.longestMs / 50,
      goal: '< 50 ms CPU',
      met: ours.longestMs < 50,
    },
    {
      name: `/initialSync ${name}, first byte`,
      measured: `${ms(ours.firstByteMs)} of ${ms(ours.totalMs)}, ${ours.mb.toFixed(0)} MB${beside(naive && ms(naive.firstByteMs))}`,
      ratio: ours.firstByteMs / ours.totalMs,
      goal: "before the homeserver's last",
      met: ours.isStreamed,
    },
  ];
}

/** A new process, three small answers to warm it up, then the one that counts. */
async function measureAlone(
  role: string,
  homeserver: Contestant,
  bytes: number,
  bytesPerSecond = Infinity,
): Promise<Run> {
  const contestant = await startProcess(role, homeserver.port);
  try {
    for (let i = 0; i < 3; i += 1) await download(contestant.port, WARM_UP_BYTES, Infinity);
    await ask(contestant, 'reset');
    const answer = await download(contestant.port, bytes, bytesPerSecond);
    const { cpu, peakRss, rssAtReset, longestSectionMs } = await ask(contestant, 'read');
    const { lastByteAt } = await ask(homeserver, 'read');
    return {
      cpuMs: cpu / 1000,
      extraMb: (peakRss - rssAtReset) / MB,
      longestMs: longestSectionMs,
      firstByteMs: answer.firstByteMs,
      totalMs: answer.totalMs,
      mb: answer.bytes / MB,
      isStreamed: answer.firstByteAt < BigInt(lastByteAt),
    };
  } finally {
    await stop(contestant);
  }
}

/** Reads an answer to its end without looking into it, at most so fast. The homeserver makes it as large as asked. */
async function download(port: number, bytes: number, bytesPerSecond: number) {
  const startedAt = process.hrtime.bigint();
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(
    `GET /_matrix/client/r0/initialSync?limit=10 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${bytes}\r\nConnection: close\r\n\r\n`,
  );
  let firstByteAt = 0n;
  let read = 0;
  let head = '';
  let tail = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (read === 0) firstByteAt = process.hrtime.bigint();
    if (head.length < 200) head += chunk.toString('latin1', 0, 200);
    tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - 8))).slice(-8);
    read += chunk.length;
    const aheadMs = (read / bytesPerSecond) * 1000 - since(startedAt);
    if (aheadMs > 5) await setTimeout(aheadMs);
  }
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`answered ${head.slice(0, 200)}`);
  if (!head.includes('ontent-') || !(tail.endsWith('0\r\n\r\n') || tail.endsWith('}')))
    throw new Error(`the answer was cut: …${JSON.stringify(tail)}`);
  return {
    bytes: read,
    firstByteAt,
    firstByteMs: Number(firstByteAt - startedAt) / 1e6,
    totalMs: since(startedAt),
  };
}

const since = (start: bigint): number => Number(process.hrtime.bigint() - start) / 1e6;

async function startProcess(role: string, homeserverPort?: number): Promise<Contestant> {
  // What parses all at once needs the room for it.
  const execArgv = role === 'naive' ? ['--max-old-space-size=12000'] : [];
  const path = new URL('initial-sync-process.ts', import.meta.url);
  const child = fork(path, [role, String(homeserverPort)], { execArgv });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { name: role, port, child };
}

async function ask({ child }: Contestant, what: 'reset' | 'read'): Promise<Reading> {
  child.send(what);
  const [reading] = (await once(child, 'message')) as [Reading];
  return reading;
}

async function stop({ child }: Contestant): Promise<void> {
  child.disconnect();
  await once(child, 'exit');
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;

/** Of the rounds: whatever else the machine does makes one dearer and never cheaper. */
const leastCpu = (runs: Run[]): number => Math.min(...runs.map(({ cpuMs }) => cpuMs));

/** The worst of each. */
function worst(runs: Run[]): Run {
  const most = (key: 'extraMb' | 'longestMs' | 'firstByteMs' | 'totalMs' | 'mb' | 'cpuMs') =>
    Math.max(...runs.map((each) => each[key]));
  return {
    cpuMs: most('cpuMs'),
    extraMb: most('extraMb'),
    longestMs: most('longestMs'),
    firstByteMs: most('firstByteMs'),
    totalMs: most('totalMs'),
    mb: most('mb'),
    isStreamed: runs.every(({ isStreamed }) => isStreamed),
  };
}
