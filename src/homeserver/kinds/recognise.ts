import { MatrixError } from '../../matrix/errors.ts';
import type { VersionsResponse } from '../../matrix/sync.ts';
import type { Homeserver } from '../homeserver.ts';
import { createCarefulKind } from './careful.ts';
import { conduit } from './conduit.ts';
import { continuwuity } from './continuwuity.ts';
import { dendrite } from './dendrite.ts';
import type { HomeserverKind } from './kind.ts';
import { sandbox } from './sandbox.ts';
import { synapse } from './synapse.ts';
import { tuwunel } from './tuwunel.ts';

/** Setting, and lower-case name under which a homeserver goes → its kind. */
const kinds: ReadonlyMap<string, HomeserverKind> = new Map(
  Object.entries({ synapse, dendrite, conduit, tuwunel, continuwuity, sandbox }),
);
/** What the setting may say, beside `auto`. */
export const kindNames: readonly string[] = [...kinds.keys(), 'careful'];
/** Relatives: what is known of them is what is known of the other. */
const alsoKnown: ReadonlyMap<string, HomeserverKind> = new Map([['conduwuit', conduit]]);

/**
 * The setting → the homeserver's kind, asked of the homeserver once where the setting is `auto`.
 *
 * `onUnknown` hears of a homeserver that says it is something else, or nothing: it is treated with most care.
 *
 * @see reference/homeservers.md §1 "Consequences for capability detection"
 */
export function createKindReader(options: {
  homeserver: Homeserver;
  setting: string;
  onUnknown: (name: string | undefined) => void;
}): () => Promise<HomeserverKind> {
  const { homeserver, setting, onUnknown } = options;
  let known = setting === 'careful' ? createCarefulKind() : kinds.get(setting);
  let asked: Promise<HomeserverKind> | undefined;

  async function recognise(): Promise<HomeserverKind> {
    const name = await nameOf(homeserver);
    const kind = kinds.get(name?.toLowerCase() ?? '') ?? alsoKnown.get(name?.toLowerCase() ?? '');
    if (kind === undefined) onUnknown(name);
    return kind ?? createCarefulKind();
  }

  return async () => {
    if (known !== undefined) return known;
    // Asked once for all who come meanwhile: they must not learn the shape of tokens each for himself.
    asked ??= recognise().finally(() => (asked = undefined));
    known ??= await asked;
    return known;
  };
}

/** What a homeserver calls itself, to clients or to other homeservers; undefined where it does not say. */
async function nameOf(homeserver: Homeserver): Promise<string | undefined> {
  const versions = await homeserver.versions();
  if (typeof versions.server?.name === 'string') return versions.server.name;
  if (hasSynapsesFeatures(versions)) return 'synapse';
  try {
    return await homeserver.serverName();
  } catch (error) {
    // Federation may be closed off; that is no reason not to serve clients.
    if (error instanceof MatrixError && error.status < 500) return undefined;
    throw error;
  }
}

/** Synapse alone says which rooms it encrypts by force, under its makers' prefix: told also where federation is closed. */
function hasSynapsesFeatures({ unstable_features }: VersionsResponse): boolean {
  return typeof unstable_features?.['io.element.e2ee_forced.public'] === 'boolean';
}
