import type { AccessToken, DeviceId, UserId } from '../matrix/identifiers.ts';
import { MatrixError } from '../matrix/errors.ts';

/**
 * A request's raw headers and query → its access token, or undefined where it sends none.
 *
 * The header is read from the raw list, as Node keeps only the first of two `Authorization` lines. Throws Synapse's
 * own 401s: for a token both in header and query, for two headers, for another scheme than Bearer. An empty
 * `?access_token=` is none here; `requireAccessToken` makes it an unknown token, as Synapse does.
 *
 *
 *
 *
 *
 * @see docs/reference/synapse-legacy.md#common-http-facts
 */
export function readAccessToken(
  rawHeaders: readonly string[],
  query: URLSearchParams,
): AccessToken | undefined {
  const headers: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === 'authorization') headers.push(rawHeaders[i + 1] ?? '');
  }
  const inQuery = query.getAll('access_token');
  if (headers.length > 1) throw missingToken('Too many Authorization headers.');
  if (inQuery[0] !== undefined) return checkQueryToken(inQuery[0], headers.length > 0);
  return headers[0] === undefined ? undefined : bearerOf(headers[0]);
}

/**
 * An `?access_token=` → the same; undefined for an empty one. Throws Synapse's own 401s: beside a header, and for a
 * token that no header can carry to the homeserver.
 */
export function checkQueryToken(accessToken: string, hasHeader: boolean): AccessToken | undefined {
  if (hasHeader) throw missingToken('Mixing Authorization headers and access_token query parameters.');
  return accessToken === '' ? undefined : toSendable(accessToken);
}

/**
 * A token → the same, where a header can carry all of it. Throws Synapse's 401 for any other: nobody has such a
 * token.
 */
export function toSendable(accessToken: string): AccessToken {
  if (/^[\x21-\x7e]+$/.test(accessToken)) return accessToken as AccessToken;
  throw unknownToken();
}

/**
 * Reads as `readAccessToken` does, for the paths that are answered here: throws Synapse's 401 where there is no
 * token.
 */
export function requireAccessToken(rawHeaders: readonly string[], query: URLSearchParams): AccessToken {
  const accessToken = readAccessToken(rawHeaders, query);
  if (accessToken !== undefined) return accessToken;
  if (query.has('access_token')) throw unknownToken();
  throw missingToken('Missing access token');
}

/** Clients write this for a token that they do not have. */
const NO_TOKENS: ReadonlySet<string> = new Set(['None', 'null', 'undefined', 'nil', 'false']);

/**
 * Reads as `readAccessToken` does, for requests that need no token: what cannot be one, such as Python's `None`,
 * counts as none.
 */
export function readTokenIfAny(
  rawHeaders: readonly string[],
  query: URLSearchParams,
): AccessToken | undefined {
  const accessToken = readAccessToken(rawHeaders, query);
  return accessToken === undefined || NO_TOKENS.has(accessToken) ? undefined : accessToken;
}

/** The user and device that an application service acts as; undefined where the query names neither. */
export function readMasquerade(query: URLSearchParams): { userId?: UserId; deviceId?: DeviceId } | undefined {
  const userId = query.get('user_id');
  const deviceId = query.get('device_id') ?? query.get('org.matrix.msc3202.device_id');
  if (userId === null && deviceId === null) return undefined;
  return {
    ...(userId !== null && { userId: userId as UserId }),
    ...(deviceId !== null && { deviceId: deviceId as DeviceId }),
  };
}

function bearerOf(header: string): AccessToken {
  const [scheme, accessToken, ...rest] = header.split(' ');
  if (scheme !== 'Bearer' || accessToken === undefined || accessToken === '' || rest.length > 0) {
    throw missingToken('Invalid Authorization header.');
  }
  return toSendable(accessToken);
}

const unknownToken = (): MatrixError =>
  new MatrixError(401, 'M_UNKNOWN_TOKEN', 'Invalid access token passed.', { soft_logout: false });

const missingToken = (error: string): MatrixError => new MatrixError(401, 'M_MISSING_TOKEN', error);
