import type { FastifyPluginAsync } from 'fastify';
import type { Homeserver } from '../../homeserver/homeserver.ts';
import { toRawPath } from '../../http/raw-url.ts';
import { closeSignal } from '../../http/send.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import { toModernFilter } from '../../translate/v2-alpha-filter.ts';
import type { SessionReader } from '../session/session.ts';
import { plainQueryOf } from '../v1/body.ts';

export interface V2AlphaFilterOptions {
  homeserver: Homeserver;
  sessions: SessionReader;
}

/**
 * `POST /user/{userId}/filter` of v2_alpha: the filter is made at the homeserver, in today's names. Its id is good for
 * every `/sync`.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/filter.yaml
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export const v2AlphaFilter: FastifyPluginAsync<V2AlphaFilterOptions> = async (app, options) => {
  const { homeserver, sessions } = options;
  app.post<{ Params: { userId: string } }>('/user/:userId/filter', async (request, reply) => {
    const session = await sessions.sessionOf(request);
    const body = toModernFilter(readFilter(request.body));
    const path = toRawPath('user', request.params.userId, 'filter');
    reply.type('application/json');
    return sessions.withSession(session, () =>
      homeserver.request(
        session.caller,
        { method: 'POST', path, query: plainQueryOf(request), body },
        closeSignal(reply.raw),
      ),
    );
  });
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
