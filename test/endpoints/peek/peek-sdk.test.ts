import { afterAll, beforeAll, describe, test } from 'vitest';
import type { RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import type { SandboxKindName } from '../../support/sandbox/kinds/play-kind.ts';
import { createTestSandbox, type TestSandbox } from '../../support/sandbox/test-sandbox.ts';
import { startGateway, type Gateway } from '../../support/gateway.ts';
import { expectPeek } from '../../support/peek-sdk.ts';

// Guests of the counting kinds are accounts as any other.
const VIEWERS: { plays?: SandboxKindName; guests: boolean[] }[] = [
  { guests: [false, true] },
  { plays: 'dendrite', guests: [false, true] },
  { plays: 'tuwunel', guests: [false] },
  { plays: 'continuwuity', guests: [false] },
  { plays: 'conduit', guests: [false] },
];

describe.each(VIEWERS)('matrix-js-sdk of today, in front of $plays', ({ plays, guests }) => {
  let sandbox: TestSandbox;
  let gateway: Gateway;
  let host: UserId;

  beforeAll(async () => {
    sandbox = await createTestSandbox(plays && { kind: plays });
    gateway = await startGateway(sandbox.url, { peekFastestMs: 50, peekSlowestMs: 200 });
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

  test.each(guests)('peeking (guest: %s) -> the room opens, live events arrive', async (isGuest) => {
    const { homeserver } = sandbox;
    const userId = homeserver.createUser(isGuest ? 'guest' : 'peeker', { isGuest });
    const { accessToken } = homeserver.login(userId);
    const roomId = aWindow();
    await expectPeek({ baseUrl: gateway.url, userId, accessToken, isGuest }, roomId, async (text) =>
      homeserver.say(host, roomId, text),
    );
  });
});
