import { describe, expect, test } from 'vitest';
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
