/**
 * The CORS headers on every answer of our own, as native sends them: browsers read an error only with these.
 *
 * @see docs/reference/synapse-legacy.md#common-http-facts
 */
export const corsHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization, Date',
  'access-control-expose-headers': 'Synapse-Trace-Id, Server',
};

/** The headers on every JSON answer of our own, good or bad. */
export const jsonHeaders: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'cache-control': 'no-cache, no-store, must-revalidate',
  ...corsHeaders,
};

/** The part of a reply that a preflight needs: Fastify's own reply fits. */
interface PreflightReply {
  code(status: number): this;
  headers(headers: Record<string, string>): this;
  removeHeader(name: string): this;
  send(): unknown;
}

/**
 * Answers `OPTIONS` on a path of ours: 204 without a body, without what is said of bodies, and without asking for a token.
 *
 * @see docs/reference/synapse-legacy.md#common-http-facts
 */
export function answerPreflight(_request: unknown, reply: PreflightReply): void {
  reply
    .code(204)
    .removeHeader('content-type')
    .removeHeader('cache-control')
    .headers({ ...corsHeaders, 'content-length': '0' })
    .send();
}
