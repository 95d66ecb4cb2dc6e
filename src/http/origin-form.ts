import type { IncomingMessage } from 'node:http';

/** `http://host:port/path?query`, without a user name: that is no address of ours. */
const ABSOLUTE = /^https?:\/\/([^/?#@\s]+)(.*)$/i;

/**
 * Makes a request whose target is a whole URL (`GET http://host/_matrix/… HTTP/1.1`), as purple-matrix sends it to every
 * server, one for its path; the URL's host takes the place of `Host`, as the RFC wants it. Everything behind sees the origin form alone.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
export function toOriginForm(request: IncomingMessage): void {
  const { url = '' } = request;
  if (url.charCodeAt(0) === SLASH) return;
  const [, host, rest = ''] = ABSOLUTE.exec(url) ?? [];
  if (host === undefined) return;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  if (request.headers.host === undefined) return;
  request.headers.host = host;
  const { rawHeaders } = request;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === 'host') rawHeaders[i + 1] = host;
  }
}

const SLASH = 0x2f;
