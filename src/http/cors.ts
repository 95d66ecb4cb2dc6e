/**
 * These CORS headers stand on every answer of ours, as on Synapse's own: without them browsers cannot read an error.
 *
 * @see docs/reference/synapse-legacy.md#common-http-facts
 */
export const corsHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization, Date',
  'access-control-expose-headers': 'Synapse-Trace-Id, Server',
};

/** These headers stand on every JSON answer of ours, good or bad. */
export const jsonHeaders: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'cache-control': 'no-cache, no-store, must-revalidate',
  ...corsHeaders,
};

/** The part of a reply that a preflight needs; Fastify's reply has it. */
interface PreflightReply {
  code(status: number): this;
  headers(headers: Record<string, string>): this;
  removeHeader(name: string): this;
  send(): unknown;
}

/**
 * Answers `OPTIONS` on a path of ours: 204 without a body, without headers about a body, and without asking for a token.
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
