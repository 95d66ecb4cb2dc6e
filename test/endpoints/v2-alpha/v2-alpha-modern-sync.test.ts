// `GET v2_alpha/sync` in its second life, as Synapse answered it from November 2015 to 2019.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeCatchUpToken } from '../../../src/tokens/own-tokens.ts';
import type { Config } from '../../../src/config/config.ts';
import type { RoomId, SyncToken } from '../../../src/matrix/identifiers.ts';
import { startGateway, type Gateway } from '../../support/gateway.ts';
import { startJsonUpstream, type JsonUpstream } from '../../support/json-upstream.ts';

let upstream: JsonUpstream;
let gateways: Record<Config['v2AlphaSync'], Gateway>;
beforeAll(async () => {
  upstream = await startJsonUpstream();
  const start = (v2AlphaSync: Config['v2AlphaSync'], v2AlphaModernClients: string[] = []): Promise<Gateway> =>
    startGateway(upstream.url, { homeserverKind: 'synapse', v2AlphaSync, v2AlphaModernClients });
  gateways = {
    draft: await start('draft', ['WeeChat/*', '*android*']),
    modern: await start('modern'),
    'draft-always': await start('draft-always'),
  };
});
afterAll(async () => {
  await Promise.all(Object.values(gateways).map((gateway) => gateway.close()));
  await upstream.close();
});
beforeEach(() => {
  upstream.received.length = 0;
  upstream.answers = { 'GET sync': [{ json: { next_batch: 's1' } }] };
});

async function ask(setting: Config['v2AlphaSync'], query: string, userAgent = 'curl/8'): Promise<string[]> {
  const response = await fetch(
    `${gateways[setting].url}/_matrix/client/v2_alpha/sync?access_token=t${query}`,
    {
      headers: { 'user-agent': userAgent },
    },
  );
  const { rooms } = (await response.json()) as { rooms: object };
  return Object.keys(rooms);
}

const MODERN = ['join', 'invite', 'leave'];
const DRAFT = ['joined', 'invited', 'archived'];

describe('GET v2_alpha/sync', () => {
  test.each<{
    setting: Config['v2AlphaSync'];
    what: string;
    query?: string;
    userAgent?: string;
    shape: string[];
  }>([
    { setting: 'draft', what: 'nothing that tells', shape: DRAFT },
    { setting: 'draft', what: 'a filter by its id', query: '&filter=1', shape: DRAFT },
    { setting: 'draft', what: 'full_state', query: '&full_state=true', shape: MODERN },
    {
      setting: 'draft',
      what: 'full_state, even if false',
      query: '&since=s1&full_state=false',
      shape: MODERN,
    },
    { setting: 'draft', what: 'a filter as JSON', query: '&filter=%7B%7D', shape: MODERN },
    { setting: 'draft', what: 'a User-Agent in the list', userAgent: 'weechat/3.8', shape: MODERN },
    { setting: 'draft', what: 'another one in the list', userAgent: 'Riot (Android 5)', shape: MODERN },
    { setting: 'modern', what: 'nothing that tells', shape: MODERN },
    { setting: 'draft-always', what: 'full_state', query: '&full_state=true', shape: DRAFT },
  ])('set to $setting, asked with $what -> $shape', async ({ setting, query = '', userAgent, shape }) => {
    expect(await ask(setting, query, userAgent)).toEqual(shape);
  });

  test('in the modern shape -> the query goes along, and old names in the filter are mapped', async () => {
    const filter = { room: { events: { limit: 3 } }, public_user_data: { types: [] } };
    await ask(
      'draft',
      `&timeout=5&filter=${encodeURIComponent(JSON.stringify(filter))}&set_presence=offline`,
    );
    const { pathname, searchParams } = new URL(upstream.received[0]?.url ?? '', 'http://x');
    expect(pathname).toBe('/_matrix/client/v3/sync');
    const { filter: sent = '', ...rest } = Object.fromEntries(searchParams);
    expect(rest).toEqual({ timeout: '5', set_presence: 'offline' });
    expect(JSON.parse(sent)).toEqual({ room: { timeline: { limit: 3 } }, presence: { types: [] } });
    expect(upstream.received[0]?.headers.authorization).toBe('Bearer t');
  });

  test('a filter that is no JSON -> the homeserver says so', async () => {
    await ask('draft', '&filter=%7Bx');
    expect(upstream.received[0]?.url).toBe('/_matrix/client/v3/sync?filter=%7Bx');
  });

  test('a token of ours -> the position that it means', async () => {
    const since = encodeCatchUpToken({
      from: 's1_2_3_4_5_6_7_8_9_10' as SyncToken,
      to: 's2_2_3_4_5_6_7_8_9_10' as SyncToken,
      roomId: '!r:test' as RoomId,
      page: null,
      lastEventId: null,
    });
    await ask('modern', `&since=${since}`);
    expect(upstream.received[0]?.url).toBe('/_matrix/client/v3/sync?since=s1_2_3_4_5_6_7_8_9_10');
  });
});
