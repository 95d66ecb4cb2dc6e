import { toRawPath } from '../../http/raw-url.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import { toModernFilter } from '../../translate/v2-alpha-filter.ts';
import type { CreateEndpoint, SessionCall } from '../route.ts';
import { plainQueryOf } from '../v1/body.ts';

/**
 * `POST /user/{userId}/filter` of v2_alpha: the filter is made at the homeserver, in today's names. Its id is good for
 * every `/sync`.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/filter.yaml
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export const createV2AlphaFilter: CreateEndpoint<SessionCall> =
  () =>
  async ({ request, reply, session, params: [userId = ''] }) => {
    const body = toModernFilter(readFilter(request.body));
    const path = toRawPath('user', userId, 'filter');
    reply.type('application/json');
    const filterRequest = { method: 'POST', path, query: plainQueryOf(request), body } as const;
    return session.account.request(filterRequest);
  };

function readFilter(body: unknown): JsonObject {
  let filter: unknown;
  try {
    filter = JSON.parse(Buffer.isBuffer(body) ? body.toString() : '');
  } catch {
    throw new MatrixError(400, 'M_NOT_JSON', 'Content not JSON.');
  }
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter))
    throw new MatrixError(400, 'M_BAD_JSON', 'Content must be a JSON object.');
  return filter as JsonObject;
}
