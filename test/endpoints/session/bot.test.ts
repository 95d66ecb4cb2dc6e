// The own bot of an application service on Synapse: its access token has no device, and `/sync` is a 500 for it.

import { beforeEach, describe, expect, test } from 'vitest';
import { useUpstreamStage } from '../../support/upstream-stage.ts';

const stage = useUpstreamStage({ homeserverKind: 'synapse' });

const refused = { status: 500, json: { errcode: 'M_UNKNOWN', error: 'Internal server error' } };
const event = (n: number, fields: object = {}): string =>
  JSON.stringify({
    type: 't',
    event_id: `$${n}`,
    sender: '@a:test',
    origin_server_ts: n,
    content: {},
    unsigned: { age: 1 },
    ...fields,
  }).replace('{}', '{"n":9007199254740993,"f":21.0}');
const create = event(1, { type: 'm.room.create', state_key: '' });
const page = `{"chunk":[${event(3)},${event(2)}],"start":"t3-7_1_2","end":"t1-5_1_2"}`;

let session = 0;
beforeEach(() => {
  session += 1;
  stage.upstream.whoami = { user_id: '@bot:test' };
  stage.upstream.answers = {
    'GET sync': [refused],
    'GET joined_rooms': [{ json: { joined_rooms: ['!r:test', '!gone:test'] } }],
    'GET rooms/!r%3Atest/messages': [{ json: page }],
    'GET rooms/!r%3Atest/state': [{ json: `[${create}]` }],
    'GET rooms/!r%3Atest/state/m.room.member/%40bot%3Atest': [{ json: { membership: 'join' } }],
    'GET directory/list/room/!r%3Atest': [{ json: { visibility: 'public' } }],
  };
});

async function ask(path: string) {
  const separator = path.includes('?') ? '&' : '?';
  const response = await fetch(
    `${stage.gateway.url}/_matrix/client/api/v1/${path}${separator}access_token=as${session}`,
  );
  const text = await response.text();
  return { status: response.status, text, json: JSON.parse(text) };
}

const syncs = (): number => stage.upstream.received.filter(({ url }) => url.includes('/sync')).length;

describe('initialSync', () => {
  // Differs: bots-have-joined-rooms-only
  test('-> its joined rooms, their numbers as they came; /sync is asked for once', async () => {
    const { status, text, json } = await ask('initialSync?limit=2');
    expect(status).toBe(200);
    expect(json).toMatchObject({ end: 's7_1_2', presence: [], receipts: [], account_data: [] });
    expect(json.rooms).toHaveLength(1);
    expect(json.rooms[0]).toMatchObject({
      room_id: '!r:test',
      membership: 'join',
      visibility: 'public',
      messages: { start: 't1-5_1_2', end: 's7_1_2', chunk: [{ event_id: '$2' }, { event_id: '$3' }] },
      state: [{ event_id: '$1', user_id: '@a:test' }],
    });
    expect(text.match(/"n":9007199254740993,"f":21\.0/g)?.length).toBeGreaterThan(0);
    await ask('initialSync?limit=2');
    expect(syncs()).toBe(1);
  });

  test('limit=0 -> no messages, and the place to page back from', async () => {
    const { json } = await ask('initialSync?limit=0');
    expect(json.rooms[0].messages).toMatchObject({ chunk: [], start: 's7_1_2', end: 's7_1_2' });
  });

  test('a bot in no room -> 404, as nothing tells a position', async () => {
    stage.upstream.answers['GET joined_rooms'] = [{ json: { joined_rooms: [] } }];
    expect(await ask('initialSync')).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
  });

  test('the same 500 for who has a device -> the 500', async () => {
    stage.upstream.whoami = { user_id: '@me:test', device_id: 'D' };
    expect((await ask('initialSync')).status).toBe(500);
    expect(stage.upstream.received.filter(({ url }) => url.includes('/messages'))).toEqual([]);
  });
});

test('its room’s initialSync -> 200, with a position', async () => {
  const { status, json } = await ask('rooms/!r:test/initialSync?limit=2');
  expect([status, json.membership, json.messages.end]).toEqual([200, 'join', 's7_1_2']);
  expect(json.messages.chunk.map(({ event_id }: { event_id: string }) => event_id)).toEqual(['$2', '$3']);
});

describe('events', () => {
  test('without from -> nothing, and now', async () => {
    expect((await ask('events?timeout=0')).json).toEqual({ chunk: [], start: 's7_1_2', end: 's7_1_2' });
  });

  // Differs: bots-have-no-stream
  test('from a position -> nothing, and no /sync once it is known', async () => {
    for (let poll = 0; poll < 3; poll += 1)
      expect((await ask('events?timeout=0&from=s7_1_2')).json).toEqual({
        chunk: [],
        start: 's7_1_2',
        end: 's7_1_2',
      });
    expect(syncs()).toBe(1);
  });

  test('from what is no position -> 400', async () => {
    await ask('events?timeout=0');
    expect(await ask('events?timeout=0&from=junk')).toMatchObject({ status: 400 });
  });
});
