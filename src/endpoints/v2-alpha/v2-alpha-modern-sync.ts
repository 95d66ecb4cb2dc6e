import type { FastifyRequest } from 'fastify';
import { queryOf, withQueryParameter } from '../../http/query.ts';
import { matchesAny } from '../../http/wildcard.ts';
import { toModernFilter } from '../../translate/v2-alpha-filter.ts';
import type { CreateEndpoint, Call } from '../route.ts';
import { createSyncPass } from '../sync/sync-pass.ts';

/** Which requests to v2_alpha's `/sync` mean the shape that it had from November 2015 on. */
export interface V2AlphaShapeOptions {
  v2AlphaSync: 'draft' | 'modern' | 'draft-always';
  /** Patterns of User-Agents that get the modern one whatever they ask. */
  v2AlphaModernClients: readonly string[];
}

/**
 * Whether a request means the modern shape: by the settings; or by what it asks for. No draft had a filter as JSON, and
 * `full_state` only the last one, for three days.
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export function meansModernSync(request: FastifyRequest, options: V2AlphaShapeOptions): boolean {
  const { v2AlphaSync, v2AlphaModernClients } = options;
  if (v2AlphaSync === 'modern') return true;
  if (matchesAny(v2AlphaModernClients, request.headers['user-agent'] ?? '')) return true;
  if (v2AlphaSync === 'draft-always') return false;
  const query = queryOf(request);
  return query.has('full_state') || isInline(query.get('filter') ?? '');
}

/**
 * Passes v2_alpha's `/sync` on as r0's, whose answer it was: with every section, and with today's names in a filter that
 * is in the query.
 */
export const createV2AlphaModernSync: CreateEndpoint<Call> = (services) => {
  const pass = createSyncPass(services, { fillsSections: true });
  return (call) => {
    const asR0 = (call.request.raw.url ?? '').replace('/v2_alpha/', '/r0/');
    const filter = queryOf(call.request).get('filter') ?? '';
    return pass(call, isInline(filter) ? withQueryParameter(asR0, 'filter', toModern(filter)) : asR0);
  };
};

const isInline = (filter: string): boolean => filter.trimStart().startsWith('{');

/**
 * Maps the old names of a filter. Maps the old names of a filter. Maps the old names of a filter. Maps the old names
 * of a filter. Maps the old names of a filter. What is no JSON stays as it is: the homeserver says what is wrong with
 * it.
 */
function toModern(filter: string): string {
  try {
    return JSON.stringify(toModernFilter(JSON.parse(filter)));
  } catch {
    return filter;
  }
}
