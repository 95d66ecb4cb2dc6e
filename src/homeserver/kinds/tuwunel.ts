import { afterCounter, counterTokens, readCounterPage, readNewestCounter } from './counter-interval.ts';
import { hasExactNews } from './exact-interval.ts';
import type { HomeserverKind } from './kind.ts';

/**
 * tuwunel: decimal tokens, junk means from the beginning, `to` is no end. It refuses unreadable rooms with 403, but
 * then judges no event by itself. A poll waits five seconds at least, also with `timeout=0`.
 *
 * @see docs/reference/homeservers.md#sync
 * @see docs/reference/homeservers.md#messages
 * @see docs/reference/homeservers.md#single-rooms
 * @see docs/reference/homeservers.md#tokens
 */
export const tuwunel: HomeserverKind = {
  name: 'tuwunel',
  ...counterTokens,
  resyncsOnBadSince: true,
  toBackwardsStart: afterCounter,
  readRoomNow: readNewestCounter,
  hasNews: hasExactNews,
  readPage: readCounterPage,
};
