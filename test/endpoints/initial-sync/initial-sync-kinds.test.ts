import { describe, expect, onTestFinished, test } from 'vitest';
import { createTestSandbox } from '../../support/sandbox/test-sandbox.ts';
import { startGateway } from '../../support/gateway.ts';

interface InitialSync {
  end: string;
  rooms: {
    room_id: string;
    membership: string;
    messages?: { chunk: { event_id: string }[]; start: string };
  }[];
  presence: unknown[];
}

describe.each(['dendrite', 'tuwunel', 'continuwuity', 'conduit'] as const)('in front of %s', (plays) => {
  test('an initial sync -> the rooms with their newest events; from its end and back from its start no gap', async () => {
    const sandbox = await createTestSandbox({ kind: plays });
    const gateway = await startGateway(sandbox.url);
    onTestFinished(async () => {
      await gateway.close();
      await sandbox.close();
    });
    const { homeserver } = sandbox;
    const [host, me] = [homeserver.createUser('host'), homeserver.createUser('me')];
    const roomId = homeserver.createRoom(host, { preset: 'public_chat' });
    const inviting = homeserver.createRoom(host, { preset: 'private_chat', invite: [me] });
    homeserver.join(me, roomId);
    const sent = Array.from({ length: 30 }, (_, i) => homeserver.say(host, roomId, `${i}`).eventId);
    const { accessToken } = homeserver.login(me);
    const get = async (path: string) => {
      const response = await fetch(`${gateway.url}/_matrix/client/r0${path}`, {
        headers: { authorization: `Bearer ${accessToken}` },
      });
      expect(response.status).toBe(200);
      return (await response.json()) as InitialSync & { chunk: { event_id: string }[] };
    };

    const { rooms, end } = await get('/initialSync?limit=10');
    const room = rooms.find(({ room_id }) => room_id === roomId);
    const shown = room?.messages?.chunk.map(({ event_id }) => event_id) ?? [];
    const before = await get(
      `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=5&from=${encodeURIComponent(room?.messages?.start ?? '')}`,
    );
    const { eventId: live } = homeserver.say(host, roomId, 'live');
    const after = await get(`/events?timeout=0&from=${encodeURIComponent(end)}`);

    expect(shown).toEqual(sent.slice(-10));
    expect(before.chunk.map(({ event_id }) => event_id)).toEqual(sent.slice(-15, -10).toReversed());
    expect(after.chunk.map(({ event_id }) => event_id)).toContain(live);
    expect(rooms.find(({ room_id }) => room_id === inviting)).toMatchObject({ membership: 'invite' });
  });
});
