import type { Milliseconds } from '../matrix/identifiers.ts';
import { readLimit, readTimeout } from '../matrix/query.ts';

/** The parameters of `/events`, with or without a room. */
export interface EventsQuery {
  /** Undefined: from now on. */
  from: string | undefined;
  timeoutMs: Milliseconds;
  limit: number;
  isRaw: boolean;
}

/** No `from`, an empty one and `END` mean now; a `limit` of 0 means none given. Throws native's words for bad values. */
export function readEventsQuery(
  query: URLSearchParams,
  { eventsLimit, maxPollTimeoutMs }: { eventsLimit: number; maxPollTimeoutMs: Milliseconds },
): EventsQuery {
  const from = query.get('from') ?? '';
  const limit = readLimit(query, 0);
  return {
    from: from === '' || from === 'END' ? undefined : from,
    timeoutMs: readTimeout(query, maxPollTimeoutMs),
    limit: limit === 0 ? eventsLimit : limit,
    isRaw: query.has('raw'),
  };
}
