// The chunks of GET /initialSync through real sockets, in front of the sandbox: their order, and where to page on.

import { expect, test } from 'vitest';
import type { EventId, RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import { joinRoom } from '../../support/joined-room.ts';
import { useSandboxStage } from '../../support/sandbox/sandbox-stage.ts';

const stage = useSandboxStage();

interface Chunk {
  chunk: { event_id: EventId }[];
  start: string;
  end?: string;
}

async function get<Body>(accessToken: string, path: string): Promise<Body> {
  const headers = { authorization: `Bearer ${accessToken}` };
  const response = await fetch(`${stage.gateway.url}/_matrix/client/r0/${path}`, { headers });
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
}

async function chunkOf(accessToken: string, roomId: RoomId, limit: number): Promise<Chunk> {
  const { rooms } = await get<{ rooms: { room_id: RoomId; messages: Chunk }[] }>(
    accessToken,
    `initialSync?limit=${limit}`,
  );
  return rooms.find(({ room_id }) => room_id === roomId)?.messages as Chunk;
}

const say = (host: UserId, roomId: RoomId, depth?: number): EventId =>
  stage.sandbox.homeserver.say(host, roomId, 'hi', depth === undefined ? {} : { depth }).eventId;

const idsIn = ({ chunk }: Chunk): EventId[] => chunk.map(({ event_id }) => event_id);

// Differs: chunks-by-arrival
test('an event that comes late, from a fork -> stands where it arrived', async () => {
  const { host, roomId, accessToken } = joinRoom(stage.sandbox);
  const sent = [say(host, roomId), say(host, roomId), say(host, roomId, 3)];
  expect(idsIn(await chunkOf(accessToken, roomId, 3))).toEqual(sent);
});

// Differs: own-start-tokens
test('a chunk that holds the whole room -> from its start nothing comes again', async () => {
  const { host, roomId, accessToken } = joinRoom(stage.sandbox);
  say(host, roomId);
  const { start } = await chunkOf(accessToken, roomId, 100);
  expect(start).toMatch(/^hsr1\./);
  const room = encodeURIComponent(roomId);
  const before = await get<Chunk>(
    accessToken,
    `rooms/${room}/messages?dir=b&from=${encodeURIComponent(start)}`,
  );
  expect(idsIn(before)).toEqual([]);
});
