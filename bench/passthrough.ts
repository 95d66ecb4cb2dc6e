// What passing a request through costs, beside a bare @fastify/http-proxy with its defaults (and nginx where there is
// one): CPU time of the gateway's process per request, each in a process of its own, in turns within one run. The goal is
// the endpoint's; with metrics and the rest, which http-proxy has none of, all of Hindsync is measured as well.

import { execFileSync, fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from './row.ts';

/** A proxy under test. */
export interface Contestant {
  name: string;
  port: number;
  /** What it is asked, and how long its answer is, where not as all others. */
  own?: Pick<Load, 'request' | 'answerLength'>;
  /** CPU time of its process so far, in microseconds. */
  cpu(): Promise<number>;
}

export interface Load {
  name: string;
  connections: number;
  /** Requests of one round, over all connections. */
  requests: number;
  /** Rounds before and in the measurement. */
  warmUpRounds: number;
  rounds: number;
  /** What one request is, as bytes. */
  request: Buffer;
  /** Bytes of the answer's body. */
  answerLength: number;
  goal: number;
}

const MB = 1024 * 1024;

export const usualHeaders =
  'Host: matrix.example.org\r\nUser-Agent: Element/1.11.0 (X11; Linux x86_64)\r\nAccept: application/json\r\n' +
  'Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\nOrigin: https://app.example.org\r\n' +
  'Referer: https://app.example.org/\r\nAuthorization: Bearer syt_YWxpY2U_abcdefghijklmnopqrst_0ABCDE\r\n';

const loads: Load[] = [
  { ...small('small GET, 500 B', 500), goal: 0.7 },
  { ...small('16 KB JSON', 16 * 1024), goal: 0.7 },
  {
    name: '10 MB media down',
    connections: 4,
    requests: 12,
    warmUpRounds: 4,
    rounds: 24,
    goal: 1,
    request: get(10 * MB),
    answerLength: 10 * MB,
  },
  {
    name: '10 MB media up',
    connections: 4,
    requests: 12,
    warmUpRounds: 4,
    rounds: 24,
    goal: 1,
    request: Buffer.concat([
      Buffer.from(
        `POST /_matrix/media/v3/upload HTTP/1.1\r\n${usualHeaders}Content-Type: image/png\r\nContent-Length: ${10 * MB}\r\n\r\n`,
      ),
      Buffer.alloc(10 * MB, 'x'),
    ]),
    answerLength: String(10 * MB).length,
  },
];

/** Runs the bench, about two minutes; each row is a ratio of CPU times within the run. */
export async function run(): Promise<Row[]> {
  const homeserver = await startProcess('homeserver');
  const passThrough = await startProcess('pass-through', homeserver.port);
  const httpProxy = await startProcess('http-proxy', homeserver.port);
  const hindsync = await startProcess('hindsync', homeserver.port);
  const nginx = await startNginx(homeserver.port);
  const contestants = [passThrough, httpProxy, hindsync, ...(nginx === undefined ? [] : [nginx])];
  const rows: Row[] = [];
  try {
    for (const load of loads) {
      const cpu = await measure(load, contestants);
      const [ours = [], theirs = [], whole = [], nginxes] = cpu;
      const ratio = medianRatio(ours, theirs);
      const all = contestants.map(({ name }, i) => `${name} ${Math.round(median(cpu[i] ?? []))}`).join(', ');
      // Its process tells hundredths of a second only, so its rounds are compared as a whole.
      const besideNginx = nginxes === undefined ? '' : `; ${(mean(ours) / mean(nginxes)).toFixed(1)}× nginx`;
      rows.push({
        name: `pass-through, ${load.name}`,
        measured: `${all} µs CPU; all of it ${medianRatio(whole, theirs).toFixed(2)}×${besideNginx}`,
        ratio,
        goal: `≤ ${load.goal}× @fastify/http-proxy`,
        met: ratio <= load.goal,
      });
    }
  } finally {
    for (const one of [...contestants, homeserver]) await one?.stop();
  }
  return rows;
}

/** CPU microseconds per request of each contestant, round by round; in each another one is the first. */
export async function measure(load: Load, contestants: Contestant[]): Promise<number[][]> {
  const perRound: number[][] = contestants.map(() => []);
  for (let round = -load.warmUpRounds; round < load.rounds; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const i = (turn + round + load.warmUpRounds) % contestants.length;
      const contestant = contestants[i];
      if (contestant === undefined) continue;
      const before = await contestant.cpu();
      await sendAll({ ...load, ...contestant.own }, contestant.port);
      if (round >= 0) perRound[i]?.push(((await contestant.cpu()) - before) / load.requests);
    }
  }
  return perRound;
}

/**
 * How much dearer the ones are than the others of the same round, in half of the rounds. Whatever else the machine does
 * makes a request up to twice as dear for some seconds at a time: rounds are short, so that it falls on both.
 */
export function medianRatio(ones: readonly number[], others: readonly number[]): number {
  return median(ones.map((one, round) => one / (others[round] ?? NaN)));
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sends a round's requests over its connections, one at a time on each, and waits for all answers. */
async function sendAll(load: Load, port: number): Promise<void> {
  let left = load.requests;
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => open(port)));
  const workers = sockets.map(
    (socket) =>
      new Promise<void>((resolve, reject) => {
        let missing = 0;
        const next = () => {
          if (left === 0) {
            resolve();
            return;
          }
          left -= 1;
          missing = -1;
          socket.write(load.request);
        };
        socket.on('error', reject).on('close', () => reject(new Error('closed in the midst of a round')));
        socket.on('data', (chunk: Buffer) => {
          missing = missing === -1 ? bytesMissing(chunk, load.answerLength) : missing - chunk.length;
          if (missing === 0) next();
        });
        next();
      }),
  );
  await Promise.all(workers);
  for (const socket of sockets) socket.removeAllListeners('close').destroy();
}

/** After the first piece of an answer, which holds its whole head: how many bytes of the body are to come. */
function bytesMissing(chunk: Buffer, answerLength: number): number {
  const status = chunk.toString('latin1', 9, 12);
  if (status !== '200') throw new Error(`answered ${status}`);
  const chunked = chunk.indexOf('ransfer-') !== -1 && chunk.indexOf('chunked') !== -1;
  if (chunked) throw new Error('the bench reads answers with a length only');
  return chunk.indexOf('\r\n\r\n') + 4 + answerLength - chunk.length;
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

export async function startProcess(
  role: string,
  homeserverPort?: number,
): Promise<Contestant & { stop(): Promise<void> }> {
  const child = fork(new URL('passthrough-process.ts', import.meta.url), [role, String(homeserverPort)]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { name: role, port, cpu: () => cpuOf(child), stop: () => stop(child) };
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [{ cpu }] = (await once(child, 'message')) as [{ cpu: number }];
  return cpu;
}

async function stop(child: ChildProcess): Promise<void> {
  child.disconnect();
  await once(child, 'exit');
}

/** nginx with one worker, where it is installed. */
async function startNginx(
  homeserverPort: number,
): Promise<(Contestant & { stop(): Promise<void> }) | undefined> {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'hindsync-nginx-'));
  const port = 20_000 + (process.pid % 10_000);
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
     http { access_log off; client_max_body_size 0; proxy_buffering off; proxy_request_buffering off;
       client_body_temp_path ${folder}; proxy_temp_path ${folder}; keepalive_requests 1000000;
       upstream homeserver { server 127.0.0.1:${homeserverPort}; keepalive 64; keepalive_requests 1000000; }
       server { listen 127.0.0.1:${port}; location / { proxy_pass http://homeserver;
         proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; } } }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isUp) break;
  }
  return {
    name: 'nginx',
    port,
    cpu: async () => {
      // Fields 14 and 15 are user and system time, in hundredths of a second.
      const fields = (await readFile(`/proc/${child.pid}/stat`, 'latin1')).split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) * 10_000;
    },
    stop: async () => {
      child.kill();
      await once(child, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}

function get(size: number): Buffer {
  return Buffer.from(
    `GET /_matrix/client/v3/rooms/!abc:example.org/state/${size} HTTP/1.1\r\n${usualHeaders}\r\n`,
  );
}

/** 20,000 requests of warm-up: a Node proxy needs them until its CPU time per request settles. */
export function small(name: string, size: number): Omit<Load, 'goal'> {
  return {
    name,
    connections: 32,
    requests: 1000,
    warmUpRounds: 20,
    rounds: 60,
    request: get(size),
    answerLength: size,
  };
}
