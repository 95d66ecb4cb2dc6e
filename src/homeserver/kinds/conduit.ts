import {
  afterCounter,
  counterTokens,
  readCounterPage,
  readNewestCounter,
  readNewestUpTo,
} from './counter-interval.ts';
import { hasExactNews } from './exact-interval.ts';
import type { HomeserverKind } from './kind.ts';

/**
 * Conduit: decimal tokens, junk means from the beginning, `to` is no end, an unreadable room is an empty one; a device
 * has one `/sync` at a time, remembered by its `since` alone; timelines hold ten events, whatever is asked for, and run
 * past `next_batch`, which is taken before them.
 *
 * @see docs/reference/homeservers.md#sync
 * @see docs/reference/homeservers.md#messages
 * @see docs/reference/homeservers.md#tokens
 * @see docs/homeservers.md#conduit
 */
export const conduit: HomeserverKind = {
  name: 'conduit',
  ...counterTokens,
  resyncsOnBadSince: true,
  hidesRefusals: true,
  remembersInitialSyncs: true,
  ignoresTimelineLimit: true,
  toBackwardsStart: afterCounter,
  readRoomNow: readNewestCounter,
  readNewestUpTo,
  hasNews: hasExactNews,
  readPage: readCounterPage,
};
