import { expect, test } from 'vitest';
import { createCarefulKind } from '../../src/homeserver/kinds/careful.ts';
import { synapse } from '../../src/homeserver/kinds/synapse.ts';
import { tokensGivenBy } from '../../src/homeserver/kinds/sync-token.ts';

test.each([
  { token: 's1_2_3', isTaken: true },
  { token: '17', isTaken: false },
  { token: 'hsc1.abc', isTaken: false },
])('a Synapse that gives $token as next_batch -> taken: $isTaken', ({ token, isTaken }) => {
  expect(tokensGivenBy(synapse)(token)).toBe(isTaken);
});

test('a homeserver that nobody knows gives a token of a new shape -> taken, also from clients from then on', () => {
  const kind = createCarefulKind();
  const isGiven = tokensGivenBy(kind);
  expect(isGiven('s1_2')).toBe(true);
  expect(kind.isSyncToken('17')).toBe(false);
  expect(isGiven('17')).toBe(true);
  expect(kind.isSyncToken('18')).toBe(true);
});

test('it gives what no homeserver could have made -> refused, and clients may give no more than before', () => {
  const kind = createCarefulKind();
  const isGiven = tokensGivenBy(kind);
  expect(isGiven('s1_2')).toBe(true);
  expect(isGiven('not a token')).toBe(false);
  expect(kind.isSyncToken('x')).toBe(false);
});
