import type { FastifyPluginAsync } from 'fastify';
import { createSyncPass, type SyncPassOptions } from './sync-pass.ts';

export interface SyncOptions extends SyncPassOptions {
  /** Whether an answer has every section, for the prefix that promised them. */
  fillsSections: boolean;
}

/**
 * `GET /sync`: the homeserver's own, but for a `since` that is a token of ours, from a client that moves on from `/events`;
 * and under `r0` every section is there, as it was until homeservers began to leave out empty ones in 2021.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/sync.yaml
 */
export const sync: FastifyPluginAsync<SyncOptions> = async (app, options) => {
  const pass = createSyncPass(options, options);

  app.get('/sync', { exposeHeadRoute: false }, (request, reply) =>
    pass(request, reply, request.raw.url ?? ''),
  );
};
