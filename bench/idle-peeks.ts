// A thousand sessions that look into one silent room: what they cost the homeserver, and how soon an event wakes them all. And
// one that looks into another room: how soon it has what is sent through the gateway.

import { once } from 'node:events';
import { fork } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { createTestSandbox } from '../test/support/sandbox/test-sandbox.ts';
import type { Row } from './row.ts';

const PEEKS = 1000;
const SLOWEST_MS = 5_000;
const RIGHT_TO_READ_MS = 30_000;
const WATCHED_MS = 60_000;

const SENDS = 10;
/** Until a poll waits again, and before the next message. */
const BETWEEN_SENDS_MS = 1_000;
const LIVE_MS = 300;

/** One probe a period and room for all, and for each its right to read every 30 s. */
export async function run(): Promise<Row[]> {
  const sandbox = await createTestSandbox();
  const path = fileURLToPath(new URL('catch-up-process.ts', import.meta.url));
  const gateway = fork(path, ['gateway', sandbox.url, '--peek-slowest', String(SLOWEST_MS)]);
  try {
    const [{ url }] = (await once(gateway, 'message')) as [{ url: string }];
    const { homeserver } = sandbox;
    const host = homeserver.createUser('host');
    const content = { history_visibility: 'world_readable' };
    const visibility = { type: 'm.room.history_visibility', state_key: '', content };
    const createRoom = () =>
      homeserver.createRoom(host, { preset: 'public_chat', initial_state: [visibility] });
    const roomId = createRoom();
    const dispatcher = new Agent({ connections: PEEKS + 2, headersTimeout: 0 });
    const hostToken = homeserver.login(host).accessToken;
    const gatewayAs = (accessToken: string) => ({
      dispatcher,
      url: `${url}/_matrix/client/v3`,
      headers: { authorization: `Bearer ${accessToken}` },
    });
    const logIn = (name: string) => gatewayAs(homeserver.login(homeserver.createUser(name)).accessToken);
    const live = new LivePreview(logIn('live'), gatewayAs(hostToken), createRoom());
    const peek = async (index: number): Promise<number> => {
      const { url: base, ...options } = logIn(`peeker${index}`);
      const query = new URLSearchParams({ room_id: roomId, timeout: '300000' });
      const answer = await request(`${base}/events?${query}`, options);
      const { chunk } = (await answer.body.json()) as { chunk: unknown[] };
      if (chunk.length !== 1) throw new Error(`${chunk.length} events arrived, not 1`);
      return performance.now();
    };
    const peeks = Array.from({ length: PEEKS }, (_, index) => peek(index));
    // Until all are parked and the room's pace is slow.
    await setTimeout(30_000);
    const before = sandbox.requests.length;
    await setTimeout(WATCHED_MS);
    const calls = sandbox.requests.length - before;
    const due = (2 * WATCHED_MS) / SLOWEST_MS + ((PEEKS + 1) * WATCHED_MS) / RIGHT_TO_READ_MS;

    const saidAt = performance.now();
    homeserver.say(host, roomId, 'hello');
    const last = Math.max(...(await Promise.all(peeks))) - saidAt;
    const delays = await live.measure();
    const longest = Math.max(...delays);
    await dispatcher.close();
    return [
      {
        name: `${PEEKS} idle peeks of one room, calls of the homeserver in ${WATCHED_MS / 1000} s`,
        measured: `${calls} beside ${due} (a probe a period, each right to read every 30 s)`,
        ratio: calls / due,
        goal: '≤ 1.1',
        met: calls / due <= 1.1,
      },
      {
        name: `${PEEKS} idle peeks, until the last one has a new event`,
        measured: `${Math.round(last)} ms beside a period of ${SLOWEST_MS} ms`,
        ratio: last / SLOWEST_MS,
        goal: '≤ 1.5',
        met: last / SLOWEST_MS <= 1.5,
      },
      {
        name: `a preview of a room that was silent, from a send's answer to the preview's, ${SENDS} sends`,
        measured: `${delays[0]?.toFixed(0)} ms the first time, ${longest.toFixed(0)} ms the longest`,
        ratio: longest / LIVE_MS,
        goal: `≤ ${LIVE_MS} ms`,
        met: longest <= LIVE_MS,
      },
    ];
  } finally {
    gateway.kill();
    await sandbox.close();
  }
}

/** How one of the bench's users asks the gateway. */
interface Asking {
  dispatcher: Agent;
  url: string;
  headers: Record<string, string>;
}

/** One who looks into a room from the beginning of the bench on, and hears when something is sent there. */
class LivePreview {
  readonly #peeker: Asking;
  readonly #sender: Asking;
  readonly #roomId: string;
  #from: string | undefined;
  #arrival: Promise<{ at: number; events: number }>;

  constructor(peeker: Asking, sender: Asking, roomId: string) {
    this.#peeker = peeker;
    this.#sender = sender;
    this.#roomId = roomId;
    this.#arrival = this.#poll();
  }

  /** For each send how long after its answer, in milliseconds, the preview was answered; 0 where that was before. */
  async measure(): Promise<number[]> {
    const delays: number[] = [];
    for (let n = 0; n < SENDS; n += 1) {
      const answeredAt = await this.#send(n);
      const { at, events } = await this.#arrival;
      if (events !== 1) throw new Error(`${events} events arrived, not 1`);
      delays.push(Math.max(0, at - answeredAt));
      if (n < SENDS - 1) this.#arrival = this.#poll();
      await setTimeout(BETWEEN_SENDS_MS);
    }
    return delays;
  }

  async #poll(): Promise<{ at: number; events: number }> {
    const query = new URLSearchParams({ room_id: this.#roomId, timeout: '300000' });
    if (this.#from !== undefined) query.set('from', this.#from);
    const { url, ...options } = this.#peeker;
    const { body } = await request(`${url}/events?${query}`, options);
    const { chunk, end } = (await body.json()) as { chunk: unknown[]; end: string };
    this.#from = end;
    return { at: performance.now(), events: chunk.length };
  }

  async #send(n: number): Promise<number> {
    const path = `rooms/${encodeURIComponent(this.#roomId)}/send/m.room.message/${n}`;
    const { url, ...options } = this.#sender;
    const body = JSON.stringify({ msgtype: 'm.text', body: `message ${n}` });
    const answer = await request(`${url}/${path}`, { ...options, method: 'PUT', body });
    if (answer.statusCode !== 200) throw new Error(`the send was answered ${answer.statusCode}`);
    await answer.body.dump();
    return performance.now();
  }
}
