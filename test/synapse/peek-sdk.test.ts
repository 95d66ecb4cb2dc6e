// Room previews on a real Synapse whose own legacy endpoints are out of reach.

import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { expectPeek } from '../support/peek-sdk.ts';
import { legacySyncPaths, startBlocker, type Blocker } from '../support/synapse/blocker.ts';
import { clientAt, register, type User } from '../support/synapse/synapse-client.ts';

let blocker: Blocker;
let gateway: GatewayProcess;
let host: User;

beforeAll(async () => {
  const { url, behindGatewayUrl } = inject('synapse');
  blocker = await startBlocker(behindGatewayUrl, legacySyncPaths);
  const settings = { HINDSYNC_PEEK_FASTEST: '100 ms', HINDSYNC_PEEK_SLOWEST: '300 ms' };
  gateway = await startGatewayProcess({
    name: 'peek-sdk',
    homeserverUrl: blocker.url,
    logs: inject('logs'),
    settings,
  });
  host = await register(url, 'peek-sdk-host');
});

afterAll(async () => {
  await gateway.stop();
  await blocker.close();
  expect(blocker.blockedCalls).toEqual([]);
});

async function aWindow(): Promise<{ roomId: string; say: (text: string) => Promise<unknown> }> {
  const natively = clientAt(inject('synapse').url, host);
  const content = { history_visibility: 'world_readable' };
  const initial_state = [{ type: 'm.room.history_visibility', state_key: '', content }];
  const room = await natively.post('v3/createRoom', { preset: 'public_chat', name: 'Window', initial_state });
  const roomId: string = room.room_id;
  let sent = 0;
  const say = (text: string) => {
    const path = `v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${roomId.slice(1, 9)}${(sent += 1)}`;
    return natively.put(path, { msgtype: 'm.text', body: text });
  };
  return { roomId, say };
}

describe('matrix-js-sdk of today', () => {
  test.each([
    { who: 'a user', name: 'peek-sdk-peeker' },
    { who: 'a guest', name: undefined },
  ])('$who peeks -> the room opens, live events arrive', async ({ name }) => {
    const { userId, accessToken } = await register(gateway.url, name);
    const { roomId, say } = await aWindow();
    await expectPeek({ baseUrl: gateway.url, userId, accessToken, isGuest: name === undefined }, roomId, say);
  });
});

describe('a modern client that only previews a room', () => {
  test('peeks for a while with its access token -> its own /sync has every to-device message', async () => {
    const { url } = inject('synapse');
    const peeker = await register(url, 'peek-sdk-modern');
    const [natively, ours] = [clientAt(url, peeker), clientAt(gateway.url, peeker)];
    const { next_batch: since } = await natively.read('v3/sync', { timeout: 0 });
    const { roomId, say } = await aWindow();
    const keys: string[] = [];
    const sendKey = async (): Promise<void> => {
      const key = `key ${keys.length}`;
      keys.push(key);
      const messages = { [peeker.userId]: { [peeker.deviceId]: { key } } };
      await clientAt(url, host).put(`v3/sendToDevice/m.test/${roomId.slice(1, 9)}${keys.length}`, {
        messages,
      });
    };

    await sendKey();
    const snapshot = await ours.read(`v3/rooms/${encodeURIComponent(roomId)}/initialSync`, { limit: 5 });
    let from: string = snapshot.messages.end;
    for (let look = 0; look < 4; look += 1) {
      await sendKey();
      await say(`look ${look}`);
      const answer = await ours.read('v3/events', { room_id: roomId, from, timeout: 5000 });
      expect(answer.chunk.map((event: { content: { body: string } }) => event.content.body)).toEqual([
        `look ${look}`,
      ]);
      from = answer.end;
    }
    await sendKey();

    const { to_device: toDevice } = await natively.read('v3/sync', { since, timeout: 0 });
    expect(toDevice.events.map((event: { content: { key: string } }) => event.content.key)).toEqual(keys);
  });
});
