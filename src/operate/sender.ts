import type { IncomingMessage } from 'node:http';
import { readMasquerade, readTokenIfAny } from '../http/access-token.ts';
import { queryOf } from '../http/query.ts';
import type { AccessToken, UserId } from '../matrix/identifiers.ts';

/** Returns whose an access token is, where that is remembered. */
export type UserOf = (
  accessToken: AccessToken,
  masquerade: ReturnType<typeof readMasquerade>,
) => UserId | undefined;

/** Who sent a request, as far as its access token tells. */
export interface Sender {
  accessToken: AccessToken | undefined;
  userId: UserId | undefined;
}

const NOBODY: Sender = { accessToken: undefined, userId: undefined };

/**
 * A request that was answered → who sent it. A query or a token that cannot be read is nobody's; it never throws, because
 * nobody is left who could be told.
 */
export function senderOf(
  { rawHeaders, url }: Pick<IncomingMessage, 'rawHeaders' | 'url'>,
  userOf: UserOf,
): Sender {
  try {
    const query = queryOf({ raw: { url } });
    const accessToken = readTokenIfAny(rawHeaders, query);
    return { accessToken, userId: accessToken && userOf(accessToken, readMasquerade(query)) };
  } catch {
    return NOBODY;
  }
}
