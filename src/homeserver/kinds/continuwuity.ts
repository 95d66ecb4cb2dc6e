import { afterCounter, counterTokens, readCounterPage, readNewestCounter } from './counter-interval.ts';
import { hasExactNews } from './exact-interval.ts';
import type { HomeserverKind } from './kind.ts';

/**
 * continuwuity: decimal tokens, junk means from the beginning, `to` is no end, an unreadable room is an empty one.
 *
 * @see docs/reference/homeservers.md#sync
 * @see docs/reference/homeservers.md#messages
 * @see docs/reference/homeservers.md#tokens
 */
export const continuwuity: HomeserverKind = {
  name: 'continuwuity',
  ...counterTokens,
  resyncsOnBadSince: true,
  hidesRefusals: true,
  toBackwardsStart: afterCounter,
  readRoomNow: readNewestCounter,
  hasNews: hasExactNews,
  readPage: readCounterPage,
};
