import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { AccessToken, DeviceId, Milliseconds, UserId } from '../matrix/identifiers.ts';

/** What tells one session's facts from another's: an HMAC, so that no access token is kept anywhere. */
export type SessionKey = string & { readonly sessionKey: unique symbol };

/** Whose access token it is, as `/account/whoami` says. */
export interface Identity {
  userId: UserId;
  deviceId?: DeviceId;
  isGuest: boolean;
}

export interface Sessions {
  keyOf(accessToken: AccessToken, masquerade?: { userId?: UserId; deviceId?: DeviceId }): SessionKey;
  get(key: SessionKey): Identity | undefined;
  set(key: SessionKey, identity: Identity): void;
  /** After a logout or a 401. */
  forget(key: SessionKey): void;
  /** After a change that may end any session of anybody, as `/logout/all`. */
  forgetAll(): void;
}

/** About what an entry costs: the key, two ids and the cache's own links. */
const BYTES_PER_SESSION = 512;

/**
 * Access token → whose it is, for some minutes, bounded in bytes.
 *
 * The HMAC's key is made here and dies with the process. What is remembered grants nothing: each answer still comes
 * from the homeserver, asked with the caller's own access token.
 */
export function createSessions(options: { maxBytes: number; ttlMs?: Milliseconds }): Sessions {
  const secret = randomBytes(32);
  const identities = new LRUCache<SessionKey, Identity>({
    max: Math.max(1, Math.floor(options.maxBytes / BYTES_PER_SESSION)),
    ttl: options.ttlMs ?? 5 * 60_000,
  });
  return {
    keyOf: (accessToken, masquerade) =>
      createHmac('sha256', secret)
        .update(JSON.stringify([accessToken, masquerade?.userId ?? null, masquerade?.deviceId ?? null]))
        .digest('base64url') as SessionKey,
    get: (key) => identities.get(key),
    set: (key, identity) => void identities.set(key, identity),
    forget: (key) => void identities.delete(key),
    forgetAll: () => identities.clear(),
  };
}
