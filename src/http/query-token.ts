/**
 * Raw URL → the same without any `access_token` parameter, and the value of the first, decoded.
 *
 * The rest of the query stays as it is, byte for byte; a `?` with nothing behind it goes. No such parameter: the same
 * URL and undefined. An empty value is '' and means that nothing is to be sent.
 *
 * @see MSC4126: homeservers stop reading it
 */
export function takeQueryToken(rawUrl: string): { rawUrl: string; accessToken: string | undefined } {
  if (!MAY_HOLD_TOKEN.test(rawUrl)) return { rawUrl, accessToken: undefined };
  const queryAt = rawUrl.indexOf('?');
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
const MAY_HOLD_TOKEN = /[?&](?:access_token|[^=&]*%)/;

function isToken(parameter: string): boolean {
  const name = parameter.split('=', 1)[0] ?? '';
  return name === 'access_token' || (name.includes('%') && new URLSearchParams(name).has('access_token'));
}

const valueOf = (parameter: string): string => new URLSearchParams(parameter).get('access_token') ?? '';
