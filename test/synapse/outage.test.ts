// The homeserver is restarted under the gateway: an old client, which stops for ever at an error, notices nothing.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '../support/synapse/synapse-client.ts';
import { createStage, type Stage } from '../support/synapse/stage.ts';

let stage: Stage<'plain'>;

beforeAll(async () => {
  stage = await createStage('outage', ['plain']);
});
afterAll(() => stage.close());

async function readNow(): Promise<string> {
  return (await stage.native(stage.world.alice).read('v3/events', { timeout: 0 })).end;
}

test('when the homeserver goes away while a poll waits and comes back -> the poll goes on, and hears of what is new', async () => {
  const { world, blocker, ours } = stage;
  const from = await readNow();
  const waiting = blocker.untilPassed(/\/sync$/);
  const answer = ours(world.alice).read('v3/events', { from, timeout: 30_000 });
  await waiting;
  await blocker.goAway();
  const eventId = await world.say(world.bob, world.rooms.plain, 'said while it was away');
  await blocker.comeBack();
  const { chunk, start } = await answer;
  expect(start).toBe(from);
  expect(chunk.map(({ event_id }: Json) => event_id)).toEqual([eventId]);
});

test('when a poll begins while the homeserver is away -> it waits for it', async () => {
  const { world, blocker, ours } = stage;
  const from = await readNow();
  await blocker.goAway();
  const answer = ours(world.alice).read('v3/events', { from, timeout: 30_000 });
  const eventId = await world.say(world.bob, world.rooms.plain, 'said before it came back');
  await blocker.comeBack();
  expect((await answer).chunk.map(({ event_id }: Json) => event_id)).toEqual([eventId]);
});

test('when the homeserver stays away for longer than the poll -> an empty chunk and the same token', async () => {
  const { world, blocker, ours } = stage;
  const from = await readNow();
  await blocker.goAway();
  try {
    const answer = await ours(world.alice).read('v3/events', { from, timeout: 600 });
    expect(answer).toEqual({ chunk: [], start: from, end: from });
  } finally {
    await blocker.comeBack();
  }
});

test('when a poll that does not wait finds the homeserver away -> 502 without its address', async () => {
  const { world, blocker, ours } = stage;
  const from = await readNow();
  await blocker.goAway();
  try {
    const { status, json } = await ours(world.alice).get('v3/events', { from, timeout: 0 });
    expect([status, json.errcode]).toEqual([502, 'M_UNKNOWN']);
    expect(json.error).not.toMatch(/\d+\.\d+\.\d+\.\d+|localhost|ECONN/);
  } finally {
    await blocker.comeBack();
  }
  expect(await ours(world.alice).read('v3/events', { from, timeout: 0 })).toMatchObject({ start: from });
});

test('when an initial sync finds the homeserver away -> 502, and all is well when it is back', async () => {
  const { world, blocker, ours } = stage;
  await blocker.goAway();
  try {
    const { status, json } = await ours(world.alice).get('v3/initialSync', { limit: 1 });
    expect([status, json.errcode]).toEqual([502, 'M_UNKNOWN']);
  } finally {
    await blocker.comeBack();
  }
  expect((await ours(world.alice).read('v3/initialSync', { limit: 1 })).rooms).not.toEqual([]);
});
