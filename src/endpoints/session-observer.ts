import type { ModernSessions } from '../caches/modern-sessions.ts';
import type { Sessions } from '../caches/sessions.ts';
import { readMasquerade } from '../http/access-token.ts';
import { queryOf } from '../http/query.ts';
import { pathOf } from '../http/raw-url.ts';
import type { AccessToken } from '../matrix/identifiers.ts';
import type { Answered } from './passthrough-exchange.ts';

/** The end of a path that ends sessions: its own, or (by the second group) any of the user's. */
const ENDS_SESSIONS =
  /\/(?:logout|(logout\/all|account\/password|account\/deactivate|delete_devices|devices\/[^/]*))$/;
const MODERN_KEYS = /\/(?:keys\/(?:upload|claim|query|changes)$|room_keys\/)/;

/** What only a modern client asks: its own sync, sliding sync, keys. */
const isModernPath = (path: string): boolean =>
  path.endsWith('/sync') || (path.includes('keys/') && MODERN_KEYS.test(path));

/**
 * Learns from what passes through: a session that ended is forgotten at once, and one that syncs or encrypts the modern
 * way is remembered, as `/events` of the same session would take its to-device messages.
 *
 * @see design §4 "GET /events", §8
 */
export function createSessionObserver(options: {
  sessions: Sessions;
  modernSessions: ModernSessions;
}): (answered: Answered) => void {
  const { sessions, modernSessions } = options;
  return ({ method, rawUrl, headers, status }) => {
    const path = pathOf(rawUrl);
    const end = method === 'GET' || status >= 400 ? null : ENDS_SESSIONS.exec(path);
    if (end?.[1] !== undefined) return sessions.forgetAll();
    const isModern = status < 400 && isModernPath(path);
    if (status !== 401 && end === null && !isModern) return;
    const accessToken = accessTokenIn(headers);
    if (accessToken === undefined) return;
    const session = sessions.keyOf(accessToken, readMasquerade(queryOf({ raw: { url: rawUrl } })));
    if (isModern) modernSessions.note(session);
    else sessions.forget(session);
  };
}

/** Paths whose place on a homeserver is known from its `/versions`: what moves by its upgrades. */
const PROMISED_PATH = /^\/_matrix\/(?:client\/(?:r0|v1\/media)|media)\//;

/** Whether an answer does not go with what is known of the homeserver: it has not what it promised, or it was away. */
export function isContradiction({ rawUrl, status }: Answered): boolean {
  return status >= 502 || (status === 404 && PROMISED_PATH.test(rawUrl));
}

function accessTokenIn(headers: readonly string[]): AccessToken | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'authorization')
      return headers[i + 1]?.replace(/^Bearer /, '') as AccessToken;
  }
  return undefined;
}
