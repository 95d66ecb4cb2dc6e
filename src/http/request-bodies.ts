import type { FastifyInstance } from 'fastify';

/** This is the one media type that means something to us: such a body may hold the access token. */
const FORM = 'application/x-www-form-urlencoded';

/**
 * Gives all routes of the scope their bodies as bytes, whatever the client says they are: old clients name a form's media
 * type, `json`, `undefined`, two at once or none, and Synapse takes them all.
 *
 * Of `headers['content-type']` only a form's is left, without parameters; the raw headers keep it all.
 *
 * @see docs/reference/clients.md#content-types
 */
export function takeBodiesAsBytes(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  scope.addHook('onRequest', async ({ raw: { headers } }) => {
    // Fastify refuses what it cannot read as a media type before it looks for a parser.
    if (headers['content-type']?.trimStart().toLowerCase().startsWith(FORM)) headers['content-type'] = FORM;
    else delete headers['content-type'];
  });
}
