// Which requests under the prefixes of 2014–2019 mean the same under a modern one: an exact table, and nothing else.

import { modernPrefixOf, type HomeserverPrefixes } from '../homeserver/prefixes.ts';
import { findPattern, indexPatterns, type Prefix, type RoutePattern } from '../http/route-pattern.ts';

const CLIENT = '/_matrix/client/';

/** A request's method and raw path (or URL) → the same path under a prefix that the homeserver has. */
export type ToHomeserverPath = (method: string, rawPath: string, prefixes: HomeserverPrefixes) => string;

/**
 * The requests that mean the same under a modern prefix → `ToHomeserverPath`.
 *
 * `r0` stays where the homeserver has it, else it becomes `v3` for every path, and `v3` likewise: the two differ in name
 * only. `api/v1` and
 * `v2_alpha` become `v3` (or `r0`) where the table lists the request. Everything else is unchanged by a byte: requests
 * whose shape changed since, like `api/v1/register` or a send without a transaction id, would be misunderstood.
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export function createHomeserverPaths(same: readonly RoutePattern[]): ToHomeserverPath {
  const under = (prefix: Prefix) => indexPatterns(same.filter(({ prefixes }) => prefixes.includes(prefix)));
  const tables = [
    ['api/v1/', under('api/v1')],
    ['v2_alpha/', under('v2_alpha')],
  ] as const;

  return (method, rawPath, prefixes) => {
    if (!rawPath.startsWith(CLIENT)) return rawPath;
    const modern = `${modernPrefixOf(prefixes)}/`;
    if (rawPath.startsWith('r0/', CLIENT.length)) {
      return prefixes.hasR0 ? rawPath : CLIENT + modern + rawPath.slice(CLIENT.length + 'r0/'.length);
    }
    if (modern === 'r0/' && rawPath.startsWith('v3/', CLIENT.length))
      return CLIENT + modern + rawPath.slice(CLIENT.length + 'v3/'.length);
    for (const [prefix, table] of tables) {
      if (!rawPath.startsWith(prefix, CLIENT.length)) continue;
      const rest = rawPath.slice(CLIENT.length + prefix.length);
      const isListed = findPattern(table, method, rest.split('?', 1)[0] ?? '') !== undefined;
      return isListed ? CLIENT + modern + rest : rawPath;
    }
    return rawPath;
  };
}
