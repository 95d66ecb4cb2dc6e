/**
 * A request's raw URL → its query. Of a repeated parameter `get` gives the first, as Synapse reads it; `+` is a space.
 * Only the raw URL counts: what fastify parsed may differ for odd escapes.
 */
export function queryOf(request: { raw: { url?: string | undefined } }): URLSearchParams {
  const rawUrl = request.raw.url ?? '';
  const start = rawUrl.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : rawUrl.slice(start + 1));
}

/**
 * Raw URL → the same with this parameter's value replaced, or without it where `value` is undefined.
 * All else stays as it is, to the byte; of a repeated parameter the first is replaced and the others go.
 */
export function withQueryParameter(rawUrl: string, name: string, value: string | undefined): string {
  const start = rawUrl.indexOf('?');
  if (start === -1) return rawUrl;
  let isReplaced = value === undefined;
  const parameters = rawUrl
    .slice(start + 1)
    .split('&')
    .flatMap((parameter) => {
      if (!new URLSearchParams(parameter).has(name)) return [parameter];
      if (isReplaced) return [];
      isReplaced = true;
      return [`${name}=${encodeURIComponent(value ?? '')}`];
    });
  return parameters.length === 0
    ? rawUrl.slice(0, start)
    : `${rawUrl.slice(0, start)}?${parameters.join('&')}`;
}
