import { afterAll, beforeAll, describe, test } from 'vitest';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { startGateway, type Gateway } from '../gateway.ts';
import { expectPeek } from '../peek-sdk.ts';

let sandbox: Sandbox;
let gateway: Gateway;
let host: UserId;

beforeAll(async () => {
  sandbox = await createSandbox();
  gateway = await startGateway(sandbox.url, {
    homeserverKind: 'sandbox',
    peekFastestMs: 50,
    peekSlowestMs: 200,
  });
  host = sandbox.homeserver.createUser('host');
});

afterAll(async () => {
  await gateway.close();
  await sandbox.close();
});

function aWindow(): RoomId {
  const content = { history_visibility: 'world_readable' };
  const visibility = { type: 'm.room.history_visibility', state_key: '', content };
  return sandbox.homeserver.createRoom(host, {
    preset: 'public_chat',
    name: 'Window',
    initial_state: [visibility],
  });
}

describe('matrix-js-sdk of today', () => {
  test.each([{ isGuest: false }, { isGuest: true }])(
    'peeking (guest: $isGuest) -> the room opens, live events arrive',
    async ({ isGuest }) => {
      const { homeserver } = sandbox;
      const userId = homeserver.createUser(isGuest ? 'guest' : 'viewer', { isGuest });
      const { accessToken } = homeserver.login(userId);
      const roomId = aWindow();
      await expectPeek({ baseUrl: gateway.url, userId, accessToken, isGuest }, roomId, async (text) =>
        homeserver.say(host, roomId, text),
      );
    },
  );
});
