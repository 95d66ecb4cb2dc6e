import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { AccessToken, DeviceId, Milliseconds, UserId } from '../matrix/identifiers.ts';
import { Questions, type Masquerade, type Question, type TokenKey } from './session-questions.ts';
import { entriesIn } from './shares.ts';

export type { Masquerade, TokenKey } from './session-questions.ts';

/**
 * All that is remembered of a session, and all its shares, are kept under this key. It is given once: when a session
 * ends, its key is never used again, and so nothing kept under it is found again.
 */
export type SessionKey = string & { readonly sessionKey: unique symbol };

/** `/account/whoami` says whose access token it is. */
export interface Identity {
  userId: UserId;
  deviceId?: DeviceId;
  isGuest: boolean;
}

export interface KnownSession extends Identity {
  key: SessionKey;
}

export interface Sessions {
  tokenKeyOf(accessToken: AccessToken): TokenKey;
  /** Returns the key of the device that a query names, for an application service's token; else the token's own key. */
  deviceKeyOf(tokenKey: TokenKey, masquerade: Masquerade | undefined): TokenKey;
  /** Returns whose token it is, as far as that is remembered. */
  get(tokenKey: TokenKey, masquerade: Masquerade | undefined): KnownSession | undefined;
  /** Begins a question; it is to be called before the homeserver is asked. */
  ask(tokenKey: TokenKey, masquerade: Masquerade | undefined): Question;
  /** Remembers what the homeserver answered (undefined: nothing), unless the session ended meanwhile. */
  note(question: Question, identity: Identity): KnownSession;
  note(question: Question, identity: undefined): void;
  /** Ends the token's sessions. */
  end(tokenKey: TokenKey): void;
  /** Ends all sessions of the token's user; where the user is not known, the token's alone. */
  endAllOfUser(tokenKey: TokenKey): void;
  /** Marks sessions that may have ended: the homeserver is asked before anything is answered from memory. */
  doubt(tokenKey: TokenKey): void;
  doubtAllOfUser(tokenKey: TokenKey): void;
  readonly bytes: number;
}

/** About what the entries cost: keys, ids, objects and the caches' own links. Measured: see docs/architecture.md. */
const BYTES_PER_IDENTITY = 1024;
const BYTES_PER_KEY = 512;
const BYTES_PER_END = 256;
/** A token that the homeserver ended without our seeing it is answered from memory for so long at most. */
const IDENTITY_TTL_MS: Milliseconds = 5 * 60_000;
/** A session that comes back within this time has its key again; all that is remembered of one lasts no longer. */
const KEY_TTL_MS = 60 * 60_000;

/**
 * Access token → whose it is, for some minutes, bounded in bytes.
 *
 * A session is what the homeserver says it is: its token, user and device. What a query claims (`user_id`) makes no session
 * of its own where the homeserver ignores it. The HMAC's key is made here and dies with the process.
 */
export function createSessions(options: { maxBytes: number; ttlMs?: Milliseconds }): Sessions {
  const { maxBytes } = options;
  const secret = randomBytes(32);
  const identities = new LRUCache<TokenKey, Identity & { serial: number }>({
    max: entriesIn(maxBytes / 2, BYTES_PER_IDENTITY),
    ttl: options.ttlMs ?? IDENTITY_TTL_MS,
  });
  const keys = new LRUCache<string, { key: SessionKey; serial: number }>({
    max: entriesIn(maxBytes / 4, BYTES_PER_KEY),
    ttl: KEY_TTL_MS,
    updateAgeOnGet: true,
  });
  const ends = createEnds(maxBytes / 8);
  const doubts = createEnds(maxBytes / 8);
  const questions = new Questions();
  let serial = 0;

  function keyOf(tokenKey: TokenKey, { userId, deviceId }: Identity): SessionKey {
    const session = JSON.stringify([tokenKey, userId, deviceId ?? null]);
    const known = keys.get(session);
    if (known !== undefined && !ends.isAfter(known.serial, tokenKey, userId)) return known.key;
    serial += 1;
    const key = `session-${serial}` as SessionKey;
    keys.set(session, { key, serial });
    return key;
  }

  function userOf(tokenKey: TokenKey): UserId | undefined {
    return identities.peek(tokenKey)?.userId;
  }

  function mark(marks: Ends, tokenKey: TokenKey): void {
    serial += 1;
    marks.set(tokenKey, serial);
    questions.outdate((question) => question.tokenKey === tokenKey);
  }

  function markUser(marks: Ends, tokenKey: TokenKey): void {
    const userId = userOf(tokenKey);
    mark(marks, tokenKey);
    if (userId === undefined) return;
    marks.set(userId, serial);
    // The open questions may turn out to be about the same user.
    questions.outdate(() => true);
  }

  function note(question: Question, identity: Identity): KnownSession;
  function note(question: Question, identity: undefined): void;
  function note(question: Question, identity: Identity | undefined): KnownSession | undefined {
    questions.close(question);
    if (identity === undefined) return undefined;
    const { tokenKey, masquerade, isOutdated } = question;
    serial += 1;
    // Nothing is remembered under a key that nobody else has.
    if (isOutdated) return { ...identity, key: `session-${serial}` as SessionKey };
    identities.set(deviceKeyOf(tokenKey, masquerade), { ...identity, serial });
    return { ...identity, key: keyOf(tokenKey, identity) };
  }

  return {
    tokenKeyOf: (accessToken) =>
      createHmac('sha256', secret).update(accessToken).digest('base64url') as TokenKey,
    deviceKeyOf,
    get: (tokenKey, masquerade) => {
      const known = identities.get(deviceKeyOf(tokenKey, masquerade));
      if (known === undefined) return undefined;
      const { serial: since, ...identity } = known;
      const isOver = [ends, doubts].some((marks) => marks.isAfter(since, tokenKey, identity.userId));
      return isOver ? undefined : { ...identity, key: keyOf(tokenKey, identity) };
    },
    ask: (tokenKey, masquerade) => questions.open(tokenKey, masquerade),
    note,
    end: (tokenKey) => mark(ends, tokenKey),
    endAllOfUser: (tokenKey) => markUser(ends, tokenKey),
    doubt: (tokenKey) => mark(doubts, tokenKey),
    doubtAllOfUser: (tokenKey) => markUser(doubts, tokenKey),
    get bytes() {
      return (
        identities.size * BYTES_PER_IDENTITY +
        keys.size * BYTES_PER_KEY +
        (ends.size + doubts.size) * BYTES_PER_END
      );
    },
  };
}

const deviceKeyOf = (tokenKey: TokenKey, masquerade: Masquerade | undefined): TokenKey =>
  masquerade === undefined
    ? tokenKey
    : (JSON.stringify([tokenKey, masquerade.userId ?? null, masquerade.deviceId ?? null]) as TokenKey);

/** When something last ended, by token and by user, in serial numbers. */
interface Ends {
  set(whose: TokenKey | UserId, serial: number): void;
  isAfter(serial: number, tokenKey: TokenKey, userId: UserId): boolean;
  readonly size: number;
}

function createEnds(maxBytes: number): Ends {
  /** A forgotten session may have been anybody's. */
  let anybody = 0;
  const serials = new LRUCache<TokenKey | UserId, number>({
    max: entriesIn(maxBytes, BYTES_PER_END),
    ttl: KEY_TTL_MS,
    dispose: (serial, _whose, reason) => {
      if (reason === 'evict') anybody = Math.max(anybody, serial);
    },
  });
  return {
    set: (whose, serial) => void serials.set(whose, serial),
    isAfter: (serial, tokenKey, userId) =>
      Math.max(anybody, serials.peek(tokenKey) ?? 0, serials.peek(userId) ?? 0) > serial,
    get size() {
      return serials.size;
    },
  };
}
