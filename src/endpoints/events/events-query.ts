import type { Milliseconds } from '../../matrix/identifiers.ts';
import { checkDirection, readLimit, readTimeout } from '../../matrix/query.ts';

/** The parameters of `/events`, with or without a room. */
export interface EventsQuery {
  /** The token to go on from; undefined: *now*. */
  from: string | undefined;
  /** It is ignored as in Synapse, unless it is bad. */
  to: string | undefined;
  timeoutMs: Milliseconds;
  limit: number;
  isRaw: boolean;
}

/**
 * Reads the query of `/events`. No `from`, an empty one and `END` mean *now*. Throws Synapse's words for bad values.
 *
 * Differs: more-events-in-an-answer
 */
export function readEventsQuery(
  query: URLSearchParams,
  { eventsLimit, maxPollTimeoutMs }: { eventsLimit: number; maxPollTimeoutMs: Milliseconds },
): EventsQuery {
  checkDirection(query);
  const from = query.get('from') ?? '';
  const limit = readLimit(query, 0);
  return {
    from: from === '' || from === 'END' ? undefined : from,
    to: query.get('to') ?? undefined,
    timeoutMs: readTimeout(query, maxPollTimeoutMs),
    limit: limit === 0 ? eventsLimit : limit,
    isRaw: query.has('raw'),
  };
}
