import type { FastifyPluginAsync } from 'fastify';
import { resolveForSync } from '../cursors/resolve-token.ts';
import { encodeRoomToken, isOwnToken } from '../cursors/stream-position.ts';
import type { Homeserver } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import { queryOf, withQueryParameter } from '../http/query.ts';
import { MatrixError } from '../matrix/errors.ts';
import { SyncSections, type ToPrevBatch } from '../translate/sync-sections.ts';
import type { PassThrough } from './passthrough.ts';
import type { SessionReader } from './session.ts';

export interface SyncOptions {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  sessions: SessionReader;
  passThrough: PassThrough;
  /** Whether an answer has every section, for the prefix that promised them. */
  fillsSections: boolean;
}

/**
 * `GET /sync`: the homeserver's own, but for a `since` that is a token of ours, from a client that moves on from `/events`;
 * and under `r0` every section is there, as it was until homeservers began to leave out empty ones in 2021.
 *
 * @see matrix-spec data/api/client-server/sync.yaml
 */
export const sync: FastifyPluginAsync<SyncOptions> = async (app, options) => {
  const { homeserver, kind, sessions, passThrough, fillsSections } = options;

  app.get('/sync', { exposeHeadRoute: false }, async (request, reply) => {
    const filler = fillsSections ? new SyncSections(toPrevBatch) : undefined;
    const pass = (rawUrl: string): void =>
      passThrough(request, reply, { rawUrl, ...(filler !== undefined && { filler }) });
    const rawUrl = request.raw.url ?? '';
    const since = queryOf(request).get('since') ?? '';
    if (!isOwnToken(since)) return pass(rawUrl);
    const { caller } = await sessions.sessionOf(request);
    const context = { homeserver, kind: await kind(), caller, signal: request.signal };
    const token = await resolveForSync(since, context);
    if (token === undefined) throw new MatrixError(400, 'M_UNKNOWN', 'Invalid stream token');
    return pass(withQueryParameter(rawUrl, 'since', token));
  });
};

const toPrevBatch: ToPrevBatch = (roomId, eventId) => encodeRoomToken({ roomId, eventId, side: 'before' });
