import type { IncomingMessage } from 'node:http';
import type { HomeserverPrefixes } from '../homeserver/prefixes.ts';
import { checkQueryToken } from '../http/access-token.ts';
import type { Peer } from '../http/forwarded.ts';
import { isBelow, pathOf } from '../http/raw-url.ts';
import { toAuthenticatedMedia } from './legacy-media.ts';
import type { ToHomeserverPath } from './legacy-prefixes.ts';
import type { OpenedRequest, OpenMedia } from './opened-media.ts';
import { takeQueryToken } from './query-token.ts';

/** All that is known of the homeserver, and so of where it has what a request asks for. */
export interface Rewriting {
  toHomeserverPath: ToHomeserverPath;
  /** The prefixes by the homeserver's `/versions`, as last seen. */
  prefixesOf(): HomeserverPrefixes;
  /** Whether the homeserver gives media to who shows an access token. */
  hasAuthenticatedMedia(): boolean;
  /** Opens old media for requests without an access token. Where it is not given, these pass as they are. */
  openMedia?: OpenMedia | undefined;
}

/** A request's new path, and its access token if that is another one than in its header. */
export interface RewrittenRequest {
  rawUrl: string;
  accessToken?: string | undefined;
  /** Given for old media without a token, which are asked for with another account's. */
  opened?: OpenedRequest | undefined;
}

/**
 * Below these paths a token may be in the query. Federation requests are signed over their URI, so nothing is touched
 * there.
 */
const CLIENT_PATHS = ['/_matrix/client/', '/_matrix/media/', '/_matrix/content/'];

/**
 * A client's request and its URL → the homeserver's: the access token leaves the query, the path has a prefix that the
 * homeserver has, and media are asked for where it gives them. Throws 401 for a token that no header can carry.
 */
export function toHomeserverRequest(
  request: IncomingMessage,
  peer: Peer,
  receivedUrl: string,
  { toHomeserverPath, prefixesOf, hasAuthenticatedMedia, openMedia }: Rewriting,
): RewrittenRequest {
  if (!isBelow(CLIENT_PATHS, pathOf(receivedUrl))) return { rawUrl: receivedUrl };
  const { method = 'GET' } = request;
  const hasHeader = request.headers.authorization !== undefined;
  const taken = takeQueryToken(receivedUrl);
  const accessToken =
    taken.accessToken === undefined ? undefined : checkQueryToken(taken.accessToken, hasHeader);
  const rawUrl = toHomeserverPath(method, taken.rawUrl, prefixesOf());
  if (!hasAuthenticatedMedia()) return { rawUrl, accessToken };
  if (accessToken !== undefined || hasHeader)
    return { rawUrl: toAuthenticatedMedia(method, rawUrl), accessToken };
  const opened = openMedia?.(request, peer, rawUrl);
  if (opened === undefined) return { rawUrl };
  return { rawUrl: opened.rawUrl, accessToken: opened.accessToken, opened };
}
