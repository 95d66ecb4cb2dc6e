// Which differences are wanted, by endpoint: rows of differences.ts, as compare mode needs them.

import type { ComparedEndpoint } from '../comparable.ts';
import type { ExpectedDifference } from '../compare.ts';
import { expectedDifferences } from '../differences.ts';

/** Whatever may show; in live traffic none is missed where it does not. */
export const EXPECTED: Readonly<Record<ComparedEndpoint, readonly ExpectedDifference[]>> = {
  initialSync: expectedDifferences([
    'invites-carry-state',
    'invited-rooms-have-lists',
    'full-chunks',
    'no-aliases-in-the-state',
    'raw-invites-are-legacy',
  ]),
  events: expectedDifferences([
    'order-across-rooms',
    'own-membership-once',
    'presence-once',
    'no-own-presence-on-join',
    'events-before-a-join',
    'no-invites-of-ignored-users',
    'events-before-a-leave',
    'invites-carry-state',
    'synthetic-invite-id',
  ]),
  event: [],
  roomInitialSync: expectedDifferences([
    'full-room-chunk',
    'receipts-of-the-chunk',
    'peekers-see-no-presence',
    'no-presence-in-large-rooms',
    'left-rooms-have-tags-only',
  ]),
};
