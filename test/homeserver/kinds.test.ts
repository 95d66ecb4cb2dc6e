import { describe, expect, test } from 'vitest';
import { createCarefulKind } from '../../src/homeserver/kinds/careful.ts';
import { conduit } from '../../src/homeserver/kinds/conduit.ts';
import { continuwuity } from '../../src/homeserver/kinds/continuwuity.ts';
import { dendrite } from '../../src/homeserver/kinds/dendrite.ts';
import { HOMESERVER_KINDS } from '../../src/matrix/homeserver-kinds.ts';
import { createKindReader, type KindReaderOptions } from '../../src/homeserver/kinds/recognise.ts';
import { tuwunel } from '../../src/homeserver/kinds/tuwunel.ts';
import { HomeserverError, HomeserverUnavailable } from '../../src/matrix/errors.ts';
import type { MessagesToken, RoomId, SyncToken } from '../../src/matrix/identifiers.ts';
import { aRefusal, FakeHomeserver } from '../support/fake-homeserver.ts';
import { sandbox } from '../../src/homeserver/kinds/sandbox.ts';
import { synapse } from '../../src/homeserver/kinds/synapse.ts';

describe('synapse', () => {
  test.each([
    's1',
    's72594_4483_1934',
    's113_11_0_5_4_1_1_10_0_1_1_1_1_1',
    's113_11_0_5_4_1_1_10_0_1_1_1_1_1_7_8',
    'm5~1.7~2.8_33_0_5',
    'm5_33',
    's5_m3~1.4_2',
  ])('%s -> a sync token', (token) => {
    expect(synapse.isSyncToken(token)).toBe(true);
  });

  test.each([
    '',
    's',
    '0',
    's0x1',
    's-1',
    't1-2_3',
    's1_',
    's1_2_x',
    's99999999999999999999',
    'END',
    '12345',
    'sbx_AA',
    's1&timeout=0',
    's1 ',
    '\ns1',
    's1\n',
  ])('%j -> no sync token', (token) => {
    expect(synapse.isSyncToken(token)).toBe(false);
  });

  test.each([
    { token: 't12-345_6_7', position: 's345_6_7' },
    { token: 't12-345', position: 's345' },
  ])('$token -> lies at $position in the stream', ({ token, position }) => {
    expect(synapse.isMessagesToken(token)).toBe(true);
    expect(synapse.toSyncToken(token)).toBe(position);
  });

  test('a sync token or junk -> tells no position of its own', () => {
    expect(synapse.toSyncToken('s1_2')).toBeUndefined();
    expect(synapse.toSyncToken('t1')).toBeUndefined();
  });
});

describe('sandbox', () => {
  test('tokens -> told apart by their shape', () => {
    expect(sandbox.isSyncToken('sbx_AZaz09-_')).toBe(true);
    expect(sandbox.isSyncToken('sbm_AZaz09-_')).toBe(false);
    expect(sandbox.isMessagesToken('sbm_AZaz09-_')).toBe(true);
    expect(sandbox.isMessagesToken('sbx_AZaz09-_')).toBe(true);
    expect(sandbox.isSyncToken('s1_2')).toBe(false);
  });
});

describe('dendrite', () => {
  test.each(['s72_0_0_0_1_5_0_28_3', 's0_0_0_0_0_0_0_0_0', 's72_0_0_0_1_5_0_28_3_4'])(
    '%s -> a sync token',
    (token) => {
      expect(dendrite.isSyncToken(token)).toBe(true);
      expect(dendrite.isMessagesToken(token)).toBe(true);
    },
  );

  test.each([
    { token: 's72594_4483_1934', why: 'a Synapse token of old times, which Dendrite takes and loses events' },
    { token: 's0', why: 'the beginning' },
    { token: 's72', why: 'too short' },
    { token: 't22_1060', why: 'a place in a room' },
    { token: 's72_0_0_0_1_5_0_28_3.dev', why: 'with an end that Dendrite does not look at' },
    { token: 's72_0_0_0_1_5_0_28_3\n', why: 'with a line break' },
    { token: '12345', why: 'of another homeserver' },
    { token: '', why: 'nothing' },
  ])('$token, $why -> no sync token', ({ token }) => {
    expect(dendrite.isSyncToken(token)).toBe(false);
  });

  test.each(['t22_1060', 't9223372036854775807_9223372036854775807'])('%s -> a messages token', (token) => {
    expect(dendrite.isMessagesToken(token)).toBe(true);
    expect(dendrite.toSyncToken(token)).toBeUndefined();
  });
});

describe.each([tuwunel, continuwuity, conduit])('$name', (kind) => {
  test.each(['1', '12345', '9223372036854775807'])('%s -> a sync token', (token) => {
    expect(kind.isSyncToken(token)).toBe(true);
    expect(kind.isMessagesToken(token)).toBe(true);
  });

  test.each(['', '0', '00', '012', '-17', '1.5', '1e5', ' 1', '1\n', 's72_0', 'END', '10000000000000000000'])(
    '%j, which would start anew -> no sync token',
    (token) => {
      expect(kind.isSyncToken(token)).toBe(false);
    },
  );

  test('the number of a backfilled event -> a messages token', () => {
    expect(kind.isMessagesToken('-17')).toBe(true);
    expect(kind.isMessagesToken('t22_1060')).toBe(false);
  });

  test('paging back from a position -> begins one behind it, as numbers are exclusive', () => {
    expect(kind.toBackwardsStart?.('9007199254740993' as SyncToken)).toBe('9007199254740994');
  });
});

describe('careful', () => {
  test('before any token was seen -> whatever may be one, and none of ours', () => {
    const kind = createCarefulKind();
    expect(['12345', 's72_0_0', 'sbx_AZ', '$event:a'].map(kind.isSyncToken)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['', '0', 's0_0', 'hsc1.AAAA', 'hsr1.e30', 'a b', 'a&b', 'a/b'].map(kind.isSyncToken)).toEqual(
      Array(8).fill(false),
    );
  });

  test.each([
    { seen: 's72_0_0', same: ['s1_23_4'], others: ['s72', 's72_0', '72', 't72_0_0', 'm72_0_0'] },
    { seen: '12345', same: ['1', '99999'], others: ['s1', '-17', '1_2'] },
    { seen: 'sbx_AZaz', same: ['sbx_09'], others: ['sbm_09', '12345', 's1_2'] },
  ])('after $seen -> tokens of its shape alone', ({ seen, same, others }) => {
    const kind = createCarefulKind();
    kind.noteSyncToken?.(seen as SyncToken);
    expect(same.filter((token) => !kind.isSyncToken(token))).toEqual([]);
    expect(others.filter((token) => kind.isSyncToken(token))).toEqual([]);
  });
});

test('careful, after an upgrade that gives tokens another shape -> those from before are still tokens', () => {
  const kind = createCarefulKind();
  for (const token of ['s1_2_3', 's1_2_3_4', 'm5~1.7_33']) kind.noteSyncToken?.(token as SyncToken);
  expect(['s7_8_9', 's7_8_9_9', 'm6~1.8_34'].map(kind.isSyncToken)).toEqual([true, true, true]);
  for (let fields = 4; fields < 12; fields += 1)
    kind.noteSyncToken?.(`s1${'_1'.repeat(fields)}` as SyncToken);
  expect(kind.isSyncToken('s7_8_9')).toBe(false);
});

describe('careful, reading', () => {
  test.each([
    { from: '1', to: 'abc', page: null },
    { from: '1', to: '5', page: 'abc' },
    { from: 's1', to: '5', page: '7' },
  ])(
    'from $from to $to, page $page, which no homeserver made -> what the homeserver says to it',
    async (given) => {
      const refusal = new HomeserverError(400, Buffer.from('{"errcode":"M_INVALID_PARAM"}'), {});
      const homeserver = new FakeHomeserver({ messagesPage: async () => Promise.reject(refusal) });
      const { from, to, page } = given as { from: SyncToken; to: SyncToken; page: MessagesToken | null };
      const reading = createCarefulKind().readPage(
        homeserver.as(),
        { roomId: '!a:b' as RoomId, from, to },
        page,
        { memo: {} },
      );
      await expect(reading).rejects.toBe(refusal);
    },
  );
});

describe('auto', () => {
  const refusal = () => new HomeserverError(404, Buffer.from('{"errcode":"M_UNRECOGNIZED"}'), {});
  const recognise = async (homeserver: FakeHomeserver, setting: KindReaderOptions['setting'] = 'auto') => {
    const unknown: (string | undefined)[] = [];
    const reader = createKindReader({ homeserver, setting, onUnknown: (name) => unknown.push(name) });
    return { name: (await reader.kind()).name, unknown, reader };
  };

  test.each([
    { name: 'Synapse', kind: 'synapse' },
    { name: 'Dendrite', kind: 'dendrite' },
    { name: 'Conduit', kind: 'conduit' },
    { name: 'conduwuit', kind: 'conduit' },
    { name: 'continuwuity', kind: 'continuwuity' },
  ])('it says to other homeservers that it is $name -> $kind', async ({ name, kind }) => {
    const homeserver = new FakeHomeserver({ versions: async () => ({}), serverName: async () => name });
    expect(await recognise(homeserver)).toMatchObject({ name: kind, unknown: [] });
  });

  test('it says to clients that it is Tuwunel -> tuwunel, without another question', async () => {
    const homeserver = new FakeHomeserver({ versions: async () => ({ server: { name: 'Tuwunel' } }) });
    expect(await recognise(homeserver)).toMatchObject({ name: 'tuwunel', unknown: [] });
    expect(homeserver.count('serverName')).toBe(0);
  });

  test('federation closed off, but the features of Synapse -> synapse', async () => {
    const unstable_features = { 'io.element.e2ee_forced.public': false };
    const homeserver = new FakeHomeserver({ versions: async () => ({ unstable_features }) });
    expect(await recognise(homeserver)).toMatchObject({ name: 'synapse', unknown: [] });
  });

  test.each(['Palpo', 'toString', '__proto__', undefined])(
    'it says %s -> treated with most care',
    async (name) => {
      const homeserver = new FakeHomeserver({ versions: async () => ({}), serverName: async () => name });
      expect(await recognise(homeserver)).toMatchObject({ name: 'careful', unknown: [name] });
    },
  );

  test('it says nothing and federation is closed off -> treated with most care', async () => {
    const homeserver = new FakeHomeserver({
      versions: async () => ({}),
      serverName: async () => {
        throw refusal();
      },
    });
    expect(await recognise(homeserver)).toMatchObject({ name: 'careful', unknown: [undefined] });
  });

  test('asked by many at once -> one question, one kind that learns for all', async () => {
    const homeserver = new FakeHomeserver({ versions: async () => ({}), serverName: async () => 'Palpo' });
    const { kind: readKind } = createKindReader({ homeserver, setting: 'auto', onUnknown: () => {} });
    const [one, other] = await Promise.all([readKind(), readKind()]);
    expect(one).toBe(other);
    expect(await readKind()).toBe(one);
    expect(homeserver.count('versions')).toBe(1);
  });

  test.each([
    {
      what: 'federation off, as Dendrite has it',
      refused: refusal(),
      versions: ['r0.6.1', 'v1.0', 'v1.2'],
      kind: 'dendrite',
    },
    {
      what: 'federation off, as Conduit has it by default',
      refused: aRefusal(500, 'M_UNKNOWN', 'Federation is disabled.'),
      versions: ['r0.5.0', 'v1.5'],
      kind: 'conduit',
    },
    {
      what: 'a broken federation',
      refused: aRefusal(500, 'M_UNKNOWN', 'Oh'),
      versions: ['v1.5'],
      kind: 'careful',
    },
    {
      what: 'federation limited',
      refused: aRefusal(429, 'M_LIMIT_EXCEEDED', 'Slow'),
      versions: [],
      kind: 'careful',
    },
    {
      what: 'no federation to be reached',
      refused: new HomeserverUnavailable(504, 'Late'),
      versions: [],
      kind: 'careful',
    },
    {
      what: 'an answer that cannot be read',
      refused: new HomeserverUnavailable(502, 'No'),
      versions: null,
      kind: 'careful',
    },
  ])('$what -> $kind, and no error', async ({ refused, versions, kind }) => {
    const homeserver = new FakeHomeserver({
      versions: async () => ({ versions }),
      serverName: async () => Promise.reject(refused),
    });
    expect(await recognise(homeserver)).toMatchObject({ name: kind });
  });

  test.each([refusal(), aRefusal(403, 'M_FORBIDDEN', 'No'), aRefusal(500, 'M_UNKNOWN', 'Oh')])(
    'it does not say which versions it has (%s), but its name -> that',
    async (refused) => {
      const homeserver = new FakeHomeserver({
        versions: async () => Promise.reject(refused),
        serverName: async () => 'Dendrite',
      });
      expect(await recognise(homeserver)).toMatchObject({ name: 'dendrite' });
    },
  );

  test('it is away -> the failure, which polls wait out; then asked again by the next who needs it', async () => {
    let isDown = true;
    const answerOrFail = async <Answer>(answer: Answer): Promise<Answer> => {
      if (isDown) throw new HomeserverUnavailable(502, 'The homeserver could not be reached');
      return answer;
    };
    const homeserver = new FakeHomeserver({
      versions: () => answerOrFail({ server: { name: 'Dendrite' } }),
      serverName: () => answerOrFail('Dendrite'),
    });
    const { kind: readKind } = createKindReader({ homeserver, setting: 'auto', onUnknown: () => {} });
    await expect(readKind()).rejects.toThrow(HomeserverUnavailable);
    isDown = false;
    expect((await readKind()).name).toBe('dendrite');
  });

  test('another homeserver stands there now -> learnt again; what cannot be asked goes on', async () => {
    let name: string | undefined = 'Dendrite';
    const homeserver = new FakeHomeserver({ versions: async () => ({}), serverName: async () => name });
    const { reader, unknown } = await recognise(homeserver);
    const learnt: [string, boolean][] = [];
    for (name of ['Dendrite', 'Synapse', undefined, 'Palpo', 'Palpo', undefined, 'Conduit']) {
      const hasChanged = await reader.learn({});
      learnt.push([(await reader.kind()).name, hasChanged]);
    }
    expect(learnt).toEqual([
      ['dendrite', false],
      ['synapse', true],
      ['synapse', false],
      ['careful', true],
      ['careful', false],
      ['careful', false],
      ['conduit', true],
    ]);
    expect(unknown).toEqual(['Palpo']);
  });

  test('still unknown -> what was learnt about its tokens is kept', async () => {
    const homeserver = new FakeHomeserver({ versions: async () => ({}), serverName: async () => 'Palpo' });
    const { reader } = await recognise(homeserver);
    const before = await reader.kind();
    before.noteSyncToken?.('12345' as SyncToken);
    await reader.learn({});
    expect(await reader.kind()).toBe(before);
  });

  test.each(HOMESERVER_KINDS)('set to %s -> that, unasked', async (setting) => {
    const homeserver = new FakeHomeserver();
    const { name, reader } = await recognise(homeserver, setting);
    expect(name).toBe(setting);
    expect(await reader.learn({ server: { name: 'Other' } })).toBe(false);
    expect(homeserver.asked).toEqual([]);
  });
});
