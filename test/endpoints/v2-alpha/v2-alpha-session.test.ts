// A client of 2015 through real sockets, in front of the sandbox: its tokens are good everywhere.

import { beforeEach, describe, expect, test } from 'vitest';
import type { RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import { joinRoom } from '../../support/joined-room.ts';
import { useSandboxStage } from '../../support/sandbox/sandbox-stage.ts';

const stage = useSandboxStage();

let host: UserId;
let me: UserId;
let accessToken: string;
let roomId: RoomId;

beforeEach(() => {
  ({ host, me, accessToken, roomId } = joinRoom(stage.sandbox));
});

interface DraftB {
  next_batch: string;
  rooms: {
    joined: Record<
      RoomId,
      { event_map: Record<string, { content: { body?: string } }>; timeline: { events: string[] } }
    >;
    invited: Record<RoomId, unknown>;
    archived: Record<RoomId, unknown>;
  };
}

async function ask<Answer>(path: string, query: Record<string, string> = {}, body?: object): Promise<Answer> {
  const parameters = new URLSearchParams({ access_token: accessToken, ...query });
  const response = await fetch(`${stage.gateway.url}/_matrix/client/${path}?${parameters}`, {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

const sync = (query: Record<string, string> = {}) => ask<DraftB>('v2_alpha/sync', query);

const bodiesIn = ({ rooms }: DraftB): unknown[] => {
  const room = rooms.joined[roomId];
  return (room?.timeline.events ?? []).map((id) => room?.event_map[id]?.content.body);
};

const say = (body: string) => stage.sandbox.homeserver.say(host, roomId, body);

describe('a session on v2_alpha', () => {
  test('a message while the client waits -> arrives, once', async () => {
    const { next_batch: since } = await sync();
    const waiting = sync({ since, timeout: '30000', set_presence: 'offline' });
    say('live');
    const answer = await waiting;
    expect(bodiesIn(answer)).toEqual(['live']);
    expect(bodiesIn(await sync({ since: answer.next_batch }))).toEqual([]);
  });

  test('next_batch -> goes on in either draft, in the modern /sync, and in /events; and their tokens here', async () => {
    const { next_batch: since } = await sync();
    say('new');
    expect(bodiesIn(await sync({ since }))).toEqual(['new']);
    const draftA = await ask<{ rooms: { room_id: string; events: { batch: string[] } }[] }>('v2_alpha/sync', {
      since,
      limit: '5',
    });
    expect(draftA.rooms.map(({ room_id, events }) => [room_id, events.batch.length])).toEqual([[roomId, 1]]);
    const modern = await ask<{ rooms: { join: Record<RoomId, { timeline: { events: unknown[] } }> } }>(
      'v3/sync',
      {
        since,
      },
    );
    expect(modern.rooms.join[roomId]?.timeline.events).toHaveLength(1);
    const events = await ask<{ chunk: { type: string }[]; end: string }>('api/v1/events', {
      from: since,
      timeout: '0',
    });
    expect(events.chunk.filter(({ type }) => type === 'm.room.message')).toHaveLength(1);
    say('newer');
    expect(bodiesIn(await sync({ since: events.end }))).toEqual(['newer']);
  });

  test('a token of a catch-up -> nothing lost', async () => {
    const { next_batch: from } = await sync();
    for (const body of ['1', '2', '3']) say(body);
    const { end } = await ask<{ end: string }>('api/v1/events', { from, timeout: '0', limit: '1' });
    expect(end).toMatch(/^hsc1\./);
    expect(bodiesIn(await sync({ since: end }))).toEqual(['1', '2', '3']);
  });

  test('a filter of before October 2015 -> counts', async () => {
    for (const body of ['1', '2', '3']) say(body);
    const { filter_id: filter } = await ask<{ filter_id: string }>(
      `v2_alpha/user/${encodeURIComponent(me)}/filter`,
      {},
      { room: { events: { limit: 2, types: ['m.room.message'] } } },
    );
    expect(bodiesIn(await sync({ filter }))).toEqual(['2', '3']);
  });
});
