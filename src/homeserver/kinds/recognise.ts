import { HomeserverError, isTransient } from '../../matrix/errors.ts';
import type { HomeserverKindName } from '../../matrix/homeserver-kinds.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import type { VersionsResponse } from '../../matrix/sync.ts';
import type { Homeserver } from '../homeserver.ts';
import { versionsOf } from '../prefixes.ts';
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
  Object.entries({
    synapse,
    dendrite,
    conduit,
    tuwunel,
    continuwuity,
    sandbox,
  } satisfies Record<Exclude<HomeserverKindName, 'careful'>, HomeserverKind>),
);
/** Relatives: what is known of them is what is known of the other. */
const alsoKnown: ReadonlyMap<string, HomeserverKind> = new Map([['conduwuit', conduit]]);

/** Which kind the homeserver is, and how that is learnt. */
export interface KindReader {
  /** The homeserver's kind as it is known; asked for where nothing is known yet. Throws where nobody answers. */
  kind(): Promise<HomeserverKind>;
  /** Asks again, with what `/versions` said just now. Returns whether it is another kind than before. */
  learn(versions: VersionsResponse, signal?: AbortSignal): Promise<boolean>;
}

export interface KindReaderOptions {
  homeserver: Homeserver;
  /** A kind's name, which is never asked for, or `auto`. */
  setting: 'auto' | HomeserverKindName;
  /** Is told of a homeserver that names itself otherwise, or not at all: it is treated as `careful`. */
  onUnknown: (name: string | undefined) => void;
}

/**
 * The setting → the homeserver's kind, asked of the homeserver where the setting is `auto`.
 *
 * Recognising fails no request of a homeserver that answers: who does not say what it is, is treated with most care
 * until it does. An upgraded or replaced homeserver is recognised anew.
 *
 * @see docs/reference/homeservers.md#what-tells-one-homeserver-from-another
 */
export function createKindReader({ homeserver, setting, onUnknown }: KindReaderOptions): KindReader {
  const isSet = setting !== 'auto';
  let known = setting === 'careful' ? createCarefulKind() : kinds.get(setting);
  let asked: Promise<HomeserverKind> | undefined;

  async function learn(versions: VersionsResponse, signal?: AbortSignal): Promise<boolean> {
    if (isSet) return false;
    const before = known;
    const name = await nameOf(homeserver, versions, signal);
    known = kindNamed(name) ?? unknownKind(name);
    return known !== before;
  }

  /**
   * Returns the kind for a homeserver of no known name: what is known goes on where nothing contradicts it, and so
   * does what a careful kind has learnt about tokens.
   */
  function unknownKind(name: string | undefined): HomeserverKind {
    if (known !== undefined && (name === undefined || known.name === 'careful')) return known;
    onUnknown(name);
    return createCarefulKind();
  }

  async function recognise(): Promise<HomeserverKind> {
    await learn(await versionsOrNothing(homeserver));
    return known ?? createCarefulKind();
  }

  return {
    learn,
    kind: async () => {
      if (known !== undefined) return known;
      // Asked once for all who come meanwhile: they must not learn the shape of tokens each for himself.
      asked ??= recognise().finally(() => (asked = undefined));
      return asked;
    },
  };
}

const kindNamed = (name: string | undefined): HomeserverKind | undefined =>
  kinds.get(name?.toLowerCase() ?? '') ?? alsoKnown.get(name?.toLowerCase() ?? '');

/** Nothing, where another answer shows that the homeserver is there. Throws where it is away. */
async function versionsOrNothing(homeserver: Homeserver): Promise<VersionsResponse> {
  try {
    return await homeserver.versions();
  } catch (error) {
    if (error instanceof HomeserverError && error.status < 500 && error.status !== 429) return {};
    // A proxy may close off one path and not the other.
    const refusal: unknown = await homeserver.serverName().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (isTransient(refusal)) throw error;
    return {};
  }
}

/** Federation may be closed off in a way that does not answer at all. */
const NAME_DEADLINE_MS: Milliseconds = 5000;

/**
 * Finds the name by which a homeserver calls itself to clients or to other homeservers, or what gives it away;
 * undefined where neither is to be had.
 */
async function nameOf(
  homeserver: Homeserver,
  versions: VersionsResponse,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (typeof versions.server?.name === 'string') return versions.server.name;
  if (hasSynapsesFeatures(versions)) return 'synapse';
  try {
    const deadline = AbortSignal.timeout(NAME_DEADLINE_MS);
    const name = await homeserver.serverName(
      signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    );
    if (name !== undefined) return name;
  } catch (error) {
    signal?.throwIfAborted();
    if (isConduitsRefusal(error)) return 'conduit';
  }
  return hasDendritesVersions(versions) ? 'dendrite' : undefined;
}

/** Synapse alone says which rooms it encrypts by force, under its makers' prefix: told also where federation is closed. */
function hasSynapsesFeatures({ unstable_features }: VersionsResponse): boolean {
  return typeof unstable_features?.['io.element.e2ee_forced.public'] === 'boolean';
}

/** Dendrite alone lists `v1.0`, which there never was: told also where it does not federate, and `/version` is 404. */
const hasDendritesVersions = (versions: VersionsResponse): boolean => versionsOf(versions).includes('v1.0');

/**
 * Tells whether an error is what Conduit answers in its default configuration.
 *
 * @see docs/homeservers.md#conduit
 */
function isConduitsRefusal(error: unknown): boolean {
  return (
    error instanceof HomeserverError && error.status === 500 && error.message === 'Federation is disabled.'
  );
}
