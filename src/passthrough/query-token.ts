import { isNamed } from '../http/query.ts';

/**
 * Raw URL → the same without any `access_token` parameter, and the value of the first, decoded.
 *
 * The rest of the query stays as it is, byte for byte; a `?` with nothing behind it goes. No such parameter: the same
 * URL and undefined. An empty value is '' and means that nothing is to be sent. Homeservers stop reading the parameter.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4126
 */
export function takeQueryToken(rawUrl: string): { rawUrl: string; accessToken: string | undefined } {
  const queryAt = rawUrl.indexOf('?');
  if (queryAt === -1 || !mayHoldToken(rawUrl, queryAt)) return { rawUrl, accessToken: undefined };
  const kept: string[] = [];
  let accessToken: string | undefined;
  for (const parameter of rawUrl.slice(queryAt + 1).split('&')) {
    if (isToken(parameter)) accessToken ??= valueOf(parameter);
    else kept.push(parameter);
  }
  if (accessToken === undefined) return { rawUrl, accessToken };
  const query = kept.join('&');
  return { rawUrl: rawUrl.slice(0, queryAt) + (query === '' ? '' : `?${query}`), accessToken };
}

/** True for every URL with the parameter, also where its name is escaped, and for few others. */
const mayHoldToken = (rawUrl: string, queryAt: number): boolean =>
  rawUrl.includes('access_token', queryAt) || rawUrl.includes('%', queryAt);

const isToken = (parameter: string): boolean => isNamed(parameter, 'access_token');

const valueOf = (parameter: string): string => new URLSearchParams(parameter).get('access_token') ?? '';
