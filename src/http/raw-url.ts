// These decide about a request's URL as it came, undecoded, because what goes to the homeserver must not change by a byte.

import { hasDotSegment } from '../matrix/dot-segments.ts';
import { unrecognized } from '../matrix/errors.ts';

/** A raw URL → its path, without the query. */
export function pathOf(rawUrl: string): string {
  const query = rawUrl.indexOf('?');
  return query === -1 ? rawUrl : rawUrl.slice(0, query);
}

/** Tells whether the raw path has all fixed segments of a route's pattern (`/a/:b/*`), byte for byte. */
export function matchesAsSent(pattern: string, rawPath: string): boolean {
  const given = rawPath.split('/');
  return pattern.split('/').every((wanted, i) => {
    const isFixed = !wanted.startsWith(':') && wanted !== '*';
    return !isFixed || wanted === given[i];
  });
}

/** Tells whether the raw path is a given one or below it, byte for byte: `/a` and `/a/b` for `/a`; `/a/b` for `/a/`. */
export function isBelow(paths: readonly string[], rawPath: string): boolean {
  for (const path of paths) {
    if (!rawPath.startsWith(path)) continue;
    if (rawPath.length === path.length || path.endsWith('/') || rawPath[path.length] === '/') return true;
  }
  return false;
}

/**
 * Segments → a raw path, each of them escaped. Throws Synapse's 404 where a server behind us could take one for a
 * step up: an id may be anything that a client, or a token of ours, says.
 */
export function toRawPath(...segments: readonly string[]): string {
  const rawPath = segments.map((segment) => encodeURIComponent(segment.toWellFormed())).join('/');
  if (hasDotSegment(rawPath)) throw unrecognized();
  return rawPath;
}

/**
 * Tells whether the path is one whose answer the homeserver may hold back for as long as the client likes: `/sync` (sliding
 * sync too) and `/events`; and `/keys/changes`, which is slow where much has changed.
 */
export function isLongPoll(rawPath: string): boolean {
  return (
    rawPath.startsWith('/_matrix/client/') &&
    (rawPath.endsWith('/sync') || rawPath.endsWith('/events') || rawPath.endsWith('/keys/changes'))
  );
}
