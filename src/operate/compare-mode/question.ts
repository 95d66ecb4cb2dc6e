// Which requests can be compared, and how the other side is asked the same.

import type { IncomingMessage } from 'node:http';
import { takeQueryToken } from '../../passthrough/query-token.ts';
import type { ComparedEndpoint } from '../comparable.ts';

/** A question to either side. */
export interface ComparedRequest {
  rawUrl: string;
  headers: Readonly<Record<string, string>>;
}

const COMPARED: Readonly<Record<string, ComparedEndpoint | undefined>> = {
  'initial-sync': 'initialSync',
  'room-initial-sync': 'roomInitialSync',
  event: 'event',
  events: 'events',
  'peek-events': 'events',
};
/** Old prefixes under which homeservers may no longer have the endpoints. */
const OLD_PREFIX = /^\/_matrix\/client\/(?:api\/v1|v2_alpha|r0|v1|unstable)\//;

/** A request and the label of its route → as what it is compared; undefined for all else. */
export function comparedAs({ method }: IncomingMessage, label: string): ComparedEndpoint | undefined {
  return method === 'GET' ? COMPARED[label] : undefined;
}

/** Moves a URL under the prefix where every homeserver that has the endpoint has it. */
export const toModernPrefix = (rawUrl: string): string => rawUrl.replace(OLD_PREFIX, '/_matrix/client/v3/');

/** A client's request → the same question, with whatever tells who asks. */
export function toQuestion(request: IncomingMessage, forwardedFor: string | undefined): ComparedRequest {
  const { rawUrl, accessToken } = takeQueryToken(request.url ?? '');
  const { authorization, 'user-agent': userAgent, host } = request.headers;
  const asked = accessToken === undefined ? authorization : `Bearer ${accessToken}`;
  return {
    rawUrl: toModernPrefix(rawUrl),
    headers: {
      ...(asked !== undefined && { authorization: asked }),
      ...(userAgent !== undefined && { 'user-agent': userAgent }),
      ...(host !== undefined && { host }),
      ...(forwardedFor !== undefined && { 'x-forwarded-for': forwardedFor }),
    },
  };
}

/** Reads where a poll begins; '' where it does not say. */
export const fromOf = ({ url = '' }: IncomingMessage): string =>
  new URLSearchParams(url.split('?', 2)[1] ?? '').get('from') ?? '';

/**
 * Whether a poll can be asked again: one that begins now has no interval, and a token of ours is nobody else's.
 */
export function isComparablePoll(
  request: IncomingMessage,
  answer: unknown,
  isOwnToken: (token: string) => boolean,
): boolean {
  const from = fromOf(request);
  const { end } = (answer ?? {}) as { end?: unknown };
  return from !== '' && from !== 'END' && !isOwnToken(from) && typeof end === 'string' && !isOwnToken(end);
}
