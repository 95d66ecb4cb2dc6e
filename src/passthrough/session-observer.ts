import type { ModernSessions } from '../caches/modern-sessions.ts';
import type { Sessions } from '../caches/sessions.ts';
import { readMasquerade } from '../http/access-token.ts';
import { queryOf } from '../http/query.ts';
import { pathOf } from '../http/raw-url.ts';
import type { AccessToken } from '../matrix/identifiers.ts';
import type { Answered } from './exchange.ts';

type Change = Exclude<keyof Sessions, 'tokenKeyOf' | 'deviceKeyOf' | 'get' | 'ask' | 'note' | 'bytes'>;

/** Requests that end sessions, or may: method and path below a prefix of the client API, as the homeserver is asked. */
const ENDINGS: readonly { method: string; path: RegExp; means: Change }[] = [
  { method: 'POST', path: /^logout$/, means: 'end' },
  { method: 'POST', path: /^logout\/all$/, means: 'endAllOfUser' },
  { method: 'POST', path: /^account\/(?:password|deactivate)$/, means: 'doubtAllOfUser' },
  { method: 'POST', path: /^delete_devices$/, means: 'doubtAllOfUser' },
  { method: 'DELETE', path: /^devices\/[^/]+$/, means: 'doubtAllOfUser' },
];
const CLIENT_PREFIX = /^\/_matrix\/client\/(?:api\/v1|r0|v1|v3|v2_alpha|unstable)\//;
const MODERN_KEYS = /\/(?:keys\/(?:upload|claim|query|changes)$|room_keys\/)/;

/** Tells whether only a modern client asks this: its own sync, sliding sync, keys. */
const isModernPath = (path: string): boolean =>
  path.endsWith('/sync') || (path.includes('keys/') && MODERN_KEYS.test(path));

/**
 * Learns from what passes through: a session that ended is forgotten at once, in every cache, and one that syncs or
 * encrypts the modern way is remembered, as `/events` of the same session would take its to-device messages.
 *
 * Only what ends sessions, with its token and answered 2xx, forgets any, and only that user's. A 401 may mean that the
 * token is none, or that a password is asked for: the homeserver is asked before anything more is answered from memory.
 *
 * @see docs/decisions/events.md
 */
export function createSessionObserver(options: {
  sessions: Sessions;
  modernSessions: ModernSessions;
}): (answered: Answered) => void {
  const { sessions, modernSessions } = options;
  return ({ method, rawUrl, headers, status }) => {
    const isGood = status >= 200 && status < 300;
    if (!isGood && status !== 401) return;
    const path = pathOf(rawUrl);
    const change = isGood ? endingOf(method, path) : 'doubt';
    const isModern = isGood && isModernPath(path);
    if (change === undefined && !isModern) return;
    const accessToken = accessTokenIn(headers);
    if (accessToken === undefined) return;
    const tokenKey = sessions.tokenKeyOf(accessToken);
    if (isModern) modernSessions.note(sessions.deviceKeyOf(tokenKey, masqueradeIn(rawUrl)));
    if (change !== undefined) sessions[change](tokenKey);
    if (change === 'end') modernSessions.forget(tokenKey);
  };
}

/** Paths whose place on a homeserver is known from its `/versions`: what moves by its upgrades. */
const PROMISED_PATH = /^\/_matrix\/(?:client\/(?:r0|v1\/media)|media)\//;

/** Whether an answer does not go with what is known of the homeserver: it has not what it promised, or it was away. */
export function isContradiction({ rawUrl, status }: Answered): boolean {
  return status >= 502 || (status === 404 && PROMISED_PATH.test(rawUrl));
}

function endingOf(method: string, path: string): Change | undefined {
  // Nearly everything that passes is a GET.
  if (method !== 'POST' && method !== 'DELETE') return undefined;
  const prefix = CLIENT_PREFIX.exec(path)?.[0];
  if (prefix === undefined) return undefined;
  const below = path.slice(prefix.length);
  return ENDINGS.find((ending) => ending.method === method && ending.path.test(below))?.means;
}

const masqueradeIn = (rawUrl: string) => readMasquerade(queryOf({ raw: { url: rawUrl } }));

function accessTokenIn(headers: readonly string[]): AccessToken | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'authorization')
      return headers[i + 1]?.replace(/^Bearer /, '') as AccessToken;
  }
  return undefined;
}
