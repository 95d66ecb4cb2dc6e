import type { Endpoint } from '../route.ts';
import type { Services } from '../services.ts';
import { createSyncPass } from './sync-pass.ts';

/**
 * `GET /sync`: the homeserver's own, but for a `since` that is a token of ours, from a client that moves on from `/events`;
 * and where `fillsSections` every section is there, as it was until homeservers began to leave out empty ones in 2021.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/sync.yaml
 */
export function createSync(services: Services, form: { fillsSections: boolean }): Endpoint {
  const pass = createSyncPass(services, form);
  return (call) => pass(call, call.request.raw.url ?? '');
}
