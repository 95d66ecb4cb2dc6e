import { LRUCache } from 'lru-cache';
import type { SessionKey } from '../../caches/sessions.ts';
import { entriesIn } from '../../caches/shares.ts';
import { HomeserverError } from '../../matrix/errors.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import type { Session } from './session.ts';

/** Sessions of application services' own bots, for which Synapse's `/sync` is a 500. */
export interface BotSessions {
  /** Does what needs `/sync`; where the homeserver has none for this session, what does without. */
  withSyncOr<Result>(
    session: Session,
    withSync: () => Promise<Result>,
    without: () => Promise<Result>,
  ): Promise<Result>;
  readonly bytes: number;
}

/** About what an entry costs: its texts, the objects and the cache's own links. Measured: see docs/architecture.md. */
const BYTES_PER_SESSION = 256;
/** A homeserver that learns to answer is found out so soon, and the sure failure costs one call in so long. */
const BOT_TTL_MS: Milliseconds = 5 * 60_000;

/**
 * Knows such a bot by the 500, and by having no device, as only an application service's access token has none; and
 * remembers it for some minutes, so that what fails for sure is seldom asked for.
 *
 * @see docs/reference/synapse-legacy.md#initial-sync
 */
export function createBotSessions(options: { maxBytes: number; ttlMs?: Milliseconds }): BotSessions {
  const bots = new LRUCache<SessionKey, true>({
    max: entriesIn(options.maxBytes, BYTES_PER_SESSION),
    ttl: options.ttlMs ?? BOT_TTL_MS,
  });
  return {
    withSyncOr: async (session, withSync, without) => {
      if (bots.has(session.key)) return without();
      try {
        return await withSync();
      } catch (error) {
        const isRefused = error instanceof HomeserverError && error.status === 500;
        if (!isRefused || session.deviceId !== undefined || session.isGuest) throw error;
        bots.set(session.key, true);
        return without();
      }
    },
    get bytes() {
      return bots.size * BYTES_PER_SESSION;
    },
  };
}
