import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

const FORM = /^\s*application\/x-www-form-urlencoded\b/i;
/** Many clients call JSON a form, as curl does: no JSON text begins so. */
const BEGINS_A_FORM = /^\s*[\w.%*+-]+=/;
/** A form with an access token has a few hundred bytes; what is longer is something else, and is not read for one. */
const MOST_BYTES = 64 * 1024;

/** Tells whether a body calls itself a form; curl calls every body one. */
export const isCalledForm = (headers: IncomingHttpHeaders): boolean =>
  FORM.test(headers['content-type'] ?? '');

/**
 * Takes the access token of a body that is a form into the request's query, behind what is there, as the homeservers of
 * the time read the two as one. Of the form nothing else is read. False where the body is no form.
 *
 * @see docs/reference/clients.md#more-clients-through-hindsync (the lua script of 2016)
 */
export function takeForm(request: Pick<IncomingMessage, 'url' | 'headers'>, body: Buffer): boolean {
  if (!isCalledForm(request.headers) || body.length > MOST_BYTES) return false;
  const text = body.toString();
  if (!BEGINS_A_FORM.test(text)) return false;
  const accessToken = new URLSearchParams(text.trim()).get('access_token');
  if (accessToken !== null) {
    const { url = '' } = request;
    request.url = `${url}${url.includes('?') ? '&' : '?'}access_token=${encodeURIComponent(accessToken)}`;
  }
  return true;
}
