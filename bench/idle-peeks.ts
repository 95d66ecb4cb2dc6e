// A thousand sessions that look into one silent room: what they cost the homeserver, and how soon an event wakes them all.

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

/** One probe a period for all, and for each its right to read every 30 s. */
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
    const roomId = homeserver.createRoom(host, { preset: 'public_chat', initial_state: [visibility] });
    const dispatcher = new Agent({ connections: PEEKS, headersTimeout: 0 });
    const peek = async (index: number): Promise<number> => {
      const { accessToken } = homeserver.login(homeserver.createUser(`viewer${index}`));
      const query = new URLSearchParams({ room_id: roomId, timeout: '300000' });
      const answer = await request(`${url}/_matrix/client/v3/events?${query}`, {
        dispatcher,
        headers: { authorization: `Bearer ${accessToken}` },
      });
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
    const due = WATCHED_MS / SLOWEST_MS + (PEEKS * WATCHED_MS) / RIGHT_TO_READ_MS;

    const saidAt = performance.now();
    homeserver.say(host, roomId, 'hello');
    const last = Math.max(...(await Promise.all(peeks))) - saidAt;
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
    ];
  } finally {
    gateway.kill();
    await sandbox.close();
  }
}
