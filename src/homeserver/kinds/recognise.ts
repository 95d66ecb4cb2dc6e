import { MatrixError } from '../../matrix/errors.ts';
import type { Homeserver } from '../homeserver.ts';
import type { HomeserverKind } from './kind.ts';
import { sandbox } from './sandbox.ts';
import { synapse } from './synapse.ts';

const kinds: Readonly<Record<string, HomeserverKind>> = { synapse, sandbox };

/**
 * The setting → the homeserver's kind, asked of the homeserver once where the setting is `auto`.
 *
 * `onUnknown` hears of a homeserver that says it is something else: it is treated as Synapse, which is right as far as
 * its tokens look alike; others are refused as bad tokens, never misread.
 */
export function createKindReader(options: {
  homeserver: Homeserver;
  setting: string;
  onUnknown: (name: string | undefined) => void;
}): () => Promise<HomeserverKind> {
  const { homeserver, setting, onUnknown } = options;
  let known = kinds[setting];
  return async () => {
    if (known !== undefined) return known;
    const name = await nameOf(homeserver);
    known = kinds[name?.toLowerCase() ?? ''];
    if (known === undefined) {
      onUnknown(name);
      known = synapse;
    }
    return known;
  };
}

/** What a homeserver calls itself, to clients or to other homeservers; undefined where it does not say. */
async function nameOf(homeserver: Homeserver): Promise<string | undefined> {
  const { server } = await homeserver.versions();
  if (typeof server?.name === 'string') return server.name;
  try {
    return await homeserver.serverName();
  } catch (error) {
    // Federation may be closed off; that is no reason not to serve clients.
    if (error instanceof MatrixError && error.status < 500) return undefined;
    throw error;
  }
}
