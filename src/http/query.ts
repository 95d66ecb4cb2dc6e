/**
 * A request's raw URL → its query. Of a repeated parameter `get` gives the first, as Synapse reads it; `+` is a space.
 * Only the raw URL counts: what fastify parsed may differ for odd escapes.
 */
export function queryOf(request: { raw: { url?: string } }): URLSearchParams {
  const rawUrl = request.raw.url ?? '';
  const start = rawUrl.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : rawUrl.slice(start + 1));
}
