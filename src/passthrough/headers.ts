// Raw header pairs across the gateway, both ways: order, spelling and repetition stay, hop-by-hop headers do not.

import type { IncomingMessage } from 'node:http';
import { forwardedForOf, isReplaced } from '../http/forwarded.ts';
import type { Peer } from '../http/forwarded.ts';
import { isHopByHop, mayBeHopByHop, namesHeaders, withoutNamed } from './hop-by-hop.ts';
import { MatrixError } from '../matrix/errors.ts';

/**
 * A client's request → raw headers for the homeserver; `accessToken` becomes the `Authorization` that they lack, and
 * `hostFor` says which `Host` stands for the client's: undefined for that of the homeserver's URL.
 *
 * Throws 400 unless there is exactly one `Host`: two servers might each believe another one.
 */
export function toHomeserverHeaders(
  request: IncomingMessage,
  peer: Peer,
  hostFor: (clientHost: string) => string | undefined,
  accessToken?: string,
): string[] {
  const { rawHeaders } = request;
  let headers: string[] = [];
  let connection = '';
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'host') {
      hosts += 1;
      const host = hostFor(value);
      if (host !== undefined) headers.push(name, host);
      continue;
    }
    if (lower === 'connection' && namesHeaders(value)) connection += `,${value}`;
    if (lower === 'x-forwarded-for' || (mayBeHopByHop(name) && isHopByHop(lower)) || isReplaced(lower, peer))
      continue;
    headers.push(name, value);
  }
  if (hosts > 1 || (hosts === 0 && request.httpVersion !== '1.0')) {
    throw new MatrixError(400, 'M_UNKNOWN', 'A request needs exactly one Host header');
  }
  if (connection !== '') headers = withoutNamed(headers, connection);
  addForwarded(headers, request, peer);
  if (accessToken !== undefined) headers.push('Authorization', `Bearer ${accessToken}`);
  return headers;
}

/**
 * Headers for the homeserver → the same for a request whose body is another one, or whose answer's body will be: the
 * one has a type and a length of its own, the other must come as it is.
 */
export function toChangedHeaders(
  headers: string[],
  { body, filler }: { body?: Buffer; filler?: unknown },
): string[] {
  let changed = headers;
  if (body !== undefined) {
    changed = without(changed, ['content-type', 'content-length', 'content-encoding']);
    changed.push('Content-Type', 'application/json', 'Content-Length', String(body.length));
  }
  if (filler !== undefined) {
    changed = without(changed, ['accept-encoding']);
    changed.push('Accept-Encoding', 'identity');
  }
  return changed;
}

/** Pairs of headers without those named, in lower case. */
function without(headers: readonly string[], names: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const [name = '', value = ''] = headers.slice(i, i + 2);
    if (!names.includes(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

/** The homeserver's raw headers → those of the answer. Bytes are kept: each becomes one character and back. */
export function toClientHeaders(rawHeaders: readonly Buffer[]): string[] {
  let headers: string[] = [];
  let connection = '';
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toString('latin1') ?? '';
    const value = rawHeaders[i + 1]?.toString('latin1') ?? '';
    if (mayBeHopByHop(name)) {
      const lower = name.toLowerCase();
      if (lower === 'connection' && namesHeaders(value)) connection += `,${value}`;
      if (isHopByHop(lower)) continue;
    }
    headers.push(name, value);
  }
  if (connection !== '') headers = withoutNamed(headers, connection);
  return headers;
}

function addForwarded(headers: string[], request: IncomingMessage, peer: Peer): void {
  const forwardedFor = forwardedForOf(request, peer);
  if (forwardedFor !== undefined) headers.push('X-Forwarded-For', forwardedFor);
  const { host, 'x-forwarded-proto': proto, 'x-forwarded-host': forwardedHost } = request.headers;
  if (!peer.isTrusted || proto === undefined) headers.push('X-Forwarded-Proto', 'http');
  if (host !== undefined && (!peer.isTrusted || forwardedHost === undefined)) {
    headers.push('X-Forwarded-Host', host);
  }
}
