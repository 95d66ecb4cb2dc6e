// The stream in front of homeservers that behave otherwise than Synapse; the law (test/law) covers its room events.

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EventId, RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import type { SandboxKindName } from '../../support/sandbox/kinds/play-kind.ts';
import { createTestSandbox, type TestSandbox } from '../../support/sandbox/test-sandbox.ts';
import { startGateway } from '../../support/gateway.ts';

interface Events {
  start: string;
  end: string;
  chunk: { type: string; event_id?: EventId; age?: number; content: { user_ids?: UserId[] } }[];
}

interface Stage {
  sandbox: TestSandbox;
  host: UserId;
  me: UserId;
  roomId: RoomId;
  events: (
    from: string,
    query?: Record<string, string | number>,
  ) => Promise<{ status: number; body: Events }>;
}

async function aStage(plays: SandboxKindName, homeserverKind: 'auto' | 'careful' = 'auto'): Promise<Stage> {
  const sandbox = await createTestSandbox({ kind: plays });
  const gateway = await startGateway(sandbox.url, { homeserverKind });
  onTestFinished(async () => {
    await gateway.close();
    await sandbox.close();
  });
  const { homeserver } = sandbox;
  const [host, me] = [homeserver.createUser('host'), homeserver.createUser('me')];
  const roomId = homeserver.createRoom(host, { preset: 'public_chat' });
  homeserver.join(me, roomId);
  const { accessToken } = homeserver.login(me);
  const events: Stage['events'] = async (from, query = {}) => {
    const parameters = new URLSearchParams({ from, timeout: '0' });
    for (const [name, value] of Object.entries(query)) parameters.set(name, String(value));
    const response = await fetch(`${gateway.url}/_matrix/client/r0/events?${parameters}`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    return { status: response.status, body: (await response.json()) as Events };
  };
  return { sandbox, host, me, roomId, events };
}

const syncsOf = ({ sandbox }: Stage) => sandbox.requests.filter(({ url }) => url.includes('/sync?'));
const idsIn = ({ chunk }: Events) => chunk.map(({ event_id }) => event_id).filter((id) => id !== undefined);
const typingIn = ({ chunk }: Events) =>
  chunk.filter(({ type }) => type === 'm.typing').map(({ content }) => content);

const KINDS = ['dendrite', 'tuwunel', 'continuwuity', 'conduit'] as const;

describe.each(KINDS)('in front of %s', (plays) => {
  test('an event while a poll waits -> delivered by that poll, with its age', async () => {
    const stage = await aStage(plays);
    const { body: now } = await stage.events('');
    await stage.events(now.end);
    const asked = syncsOf(stage).length;
    const waiting = stage.events(now.end, { timeout: 5000 });
    await vi.waitFor(() => expect(syncsOf(stage).length).toBeGreaterThan(asked));
    const { eventId } = stage.sandbox.homeserver.say(stage.host, stage.roomId, 'hi');

    const { body } = await waiting;

    expect(idsIn(body)).toEqual([eventId]);
    expect(body.chunk.find(({ event_id }) => event_id === eventId)?.age).toBeGreaterThanOrEqual(0);
  });

  test('*now*, asked twice -> after what happened in between', async () => {
    const stage = await aStage(plays);
    await stage.events('');
    stage.sandbox.homeserver.say(stage.host, stage.roomId, 'old by then');
    const { body: now } = await stage.events('');
    expect(idsIn((await stage.events(now.end)).body)).toEqual([]);
  });

  test.each(['s72594_4483_1934', 'junk', '0', 's0', '-1', 't1-2_3'])(
    'another homeserver’s token %s -> 400, and it is not asked',
    async (token) => {
      const stage = await aStage(plays);
      expect(await stage.events(token)).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
      expect(syncsOf(stage)).toEqual([]);
    },
  );

  test.each(['auto', 'careful'] as const)(
    'thousands of events, as %s -> all of them, once, in order, over as many answers as it takes',
    async (setting) => {
      const stage = await aStage(plays, setting);
      let { end } = (await stage.events('')).body;
      const sent = Array.from(
        { length: 1200 },
        (_, i) => stage.sandbox.homeserver.say(stage.host, stage.roomId, `${i}`).eventId,
      );
      const received: EventId[] = [];
      while (received.length < sent.length) {
        const { body } = await stage.events(end, { limit: 500 });
        expect(idsIn(body).length).toBeGreaterThan(0);
        received.push(...idsIn(body));
        ({ end } = body);
      }
      expect(received).toEqual(sent);
    },
  );
});

describe('Dendrite', () => {
  test('it repeats for ever that nobody types -> told once, and then the poll waits', async () => {
    const stage = await aStage('dendrite');
    const { homeserver } = stage.sandbox;
    let { end } = (await stage.events('')).body;
    homeserver.setTyping(stage.host, stage.roomId, true);
    const typing = await stage.events(end);
    expect(typingIn(typing.body)).toEqual([{ user_ids: [stage.host] }]);
    homeserver.setTyping(stage.host, stage.roomId, false);
    ({ end } = typing.body);

    const stopped = await stage.events(end);
    const retried = await stage.events(end);
    const later = await stage.events(stopped.body.end, { timeout: 500 });

    expect(typingIn(stopped.body)).toEqual([{ user_ids: [] }]);
    expect(typingIn(retried.body)).toEqual([{ user_ids: [] }]);
    expect(later.body.chunk).toEqual([]);
  });

  test('it refuses the 21st quick request -> waited for, and nothing is lost', async () => {
    const stage = await aStage('dendrite');
    let { end } = (await stage.events('')).body;
    stage.sandbox.faults.messagesAtOnce = 5;
    const sent = Array.from(
      { length: 900 },
      (_, i) => stage.sandbox.homeserver.say(stage.host, stage.roomId, `${i}`).eventId,
    );
    const received: EventId[] = [];
    while (received.length < sent.length) {
      const { status, body } = await stage.events(end, { limit: 1000, timeout: 10_000 });
      expect(status).toBe(200);
      received.push(...idsIn(body));
      ({ end } = body);
    }
    expect(received).toEqual(sent);
  });
});

describe.each(['tuwunel', 'continuwuity', 'conduit'] as const)('%s', (plays) => {
  test('it answers a `since` with everything from the beginning -> 400, and nothing of it is delivered', async () => {
    const stage = await aStage(plays);
    const { body: now } = await stage.events('');
    const room = { timeline: { events: [{ type: 'm.room.create', event_id: '$old' }], limited: true } };
    const body = {
      next_batch: '99',
      account_data: { events: [{ type: 'm.push_rules', content: {} }] },
      rooms: { join: { [stage.roomId]: room } },
    };
    stage.sandbox.faults.on(/\/sync\?.*since=/, { answer: { status: 200, body } });

    const answer = await stage.events(now.end);

    expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
  });
});

test('tuwunel waits longer than it was asked to -> the poll ends when it does', async () => {
  const stage = await aStage('tuwunel');
  stage.sandbox.faults.shortestPollMs = 300;
  const { body: now } = await stage.events('');
  expect((await stage.events(now.end)).body).toEqual({ chunk: [], start: now.end, end: now.end });
});
