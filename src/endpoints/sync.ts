import type { FastifyPluginAsync } from 'fastify';
import { resolveForSync } from '../cursors/resolve-token.ts';
import { isOwnToken } from '../cursors/stream-position.ts';
import type { Homeserver } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import { queryOf, withQueryParameter } from '../http/query.ts';
import { MatrixError } from '../matrix/errors.ts';
import type { PassThrough } from './passthrough.ts';
import type { SessionReader } from './session.ts';

export interface SyncOptions {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  sessions: SessionReader;
  passThrough: PassThrough;
}

/**
 * `GET /sync`: the homeserver's own, but for a `since` that is a token of ours, from a client that moves on from `/events`.
 *
 * @see matrix-spec data/api/client-server/sync.yaml
 */
export const sync: FastifyPluginAsync<SyncOptions> = async (app, options) => {
  const { homeserver, kind, sessions, passThrough } = options;

  app.get('/sync', { exposeHeadRoute: false }, async (request, reply) => {
    const rawUrl = request.raw.url ?? '';
    const since = queryOf(request).get('since') ?? '';
    if (!isOwnToken(since)) return passThrough(request, reply, { rawUrl });
    const { caller } = await sessions.sessionOf(request);
    const context = { homeserver, kind: await kind(), caller, signal: request.signal };
    const token = await resolveForSync(since, context);
    if (token === undefined) throw new MatrixError(400, 'M_UNKNOWN', 'Invalid stream token');
    return passThrough(request, reply, { rawUrl: withQueryParameter(rawUrl, 'since', token) });
  });
};
