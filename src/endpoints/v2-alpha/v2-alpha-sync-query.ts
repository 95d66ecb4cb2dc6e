import type { Milliseconds } from '../../matrix/identifiers.ts';
import { readBoolean, readLimit, readSyncTimeout } from '../../matrix/query.ts';
import { draftA, draftB, type V2AlphaDraft } from '../../translate/v2-alpha-draft.ts';

/** A client asks this of v2_alpha's `/sync`. */
export interface V2AlphaSyncQuery {
  draft: V2AlphaDraft;
  /** Newest events of each room, where the draft has that in the query. */
  limit?: number;
  /** The id of a filter, or the text of one. */
  filter?: string;
  since?: string;
  timeoutMs: Milliseconds;
  setPresence: 'online' | 'offline';
  fullState: boolean;
}

/** Only draft A had these; `limit` it even required. */
const OF_DRAFT_A = ['limit', 'gap', 'sort', 'backfill'];
/** Draft A had none; today's `/sync` gives ten. */
const DEFAULT_LIMIT = 10;

/**
 * Reads the query of `v2_alpha/sync`, and tells the draft that it is of.
 *
 * Throws Synapse's own 400s. Of `set_presence` only `offline` matters, as in the drafts; `gap`, `sort` and `backfill` are not
 * read, as they never changed the answer.
 *
 * Differs: draft-a-needs-no-limit
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export function readV2AlphaSyncQuery(
  query: URLSearchParams,
  maxPollTimeoutMs: Milliseconds,
): V2AlphaSyncQuery {
  const isDraftA = OF_DRAFT_A.some((name) => query.has(name));
  const filter = query.get('filter') ?? '';
  const since = query.get('since');
  return {
    draft: isDraftA ? draftA : draftB,
    ...(isDraftA && { limit: readLimit(query, DEFAULT_LIMIT) }),
    ...(filter !== '' && { filter }),
    ...(since !== null && { since }),
    timeoutMs: readSyncTimeout(query, maxPollTimeoutMs),
    setPresence: query.get('set_presence') === 'offline' ? 'offline' : 'online',
    fullState: readBoolean(query, 'full_state'),
  };
}
