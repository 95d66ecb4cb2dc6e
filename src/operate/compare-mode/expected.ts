// Which differences are wanted, by endpoint: the table of named-differences.ts, as compare mode needs it.

import type { ComparedEndpoint } from '../comparable.ts';
import type { NamedDifference } from '../compare.ts';
import * as named from '../named-differences.ts';

/** Whatever may show; in live traffic none is missed where it does not. */
export const EXPECTED: Readonly<Record<ComparedEndpoint, readonly NamedDifference[]>> = {
  initialSync: [
    named.INVITES_CARRY_STATE,
    named.INVITED_ROOMS_HAVE_ARRAYS,
    named.CHUNKS_ARE_FILLED,
    named.ALIASES_ARE_NOT_STATE,
    named.RAW_INVITES_ARE_NOT,
  ],
  events: [
    named.ORDER_ACROSS_ROOMS,
    named.OWN_MEMBERSHIP_ONCE,
    named.PRESENCE_ONCE,
    named.OWN_PRESENCE_ON_JOIN,
    named.BEFORE_THE_JOIN,
    named.INVITES_OF_THE_IGNORED,
    named.BEFORE_THE_LEAVE,
    named.INVITES_CARRY_STATE,
    named.MADE_UP_EVENT_ID,
  ],
  event: [],
  roomInitialSync: [
    named.CHUNK_IS_FILLED,
    named.RECEIPTS_OF_THE_CHUNK,
    named.ONLOOKERS_SEE_NO_PRESENCE,
    named.NO_PRESENCE_IN_LARGE_ROOMS,
    named.TAGS_ALONE_AFTER_LEAVING,
  ],
};
