// Which requests under the prefixes of 2014–2019 mean the same under a modern one: an exact table, and nothing else.

import { modernPrefixOf, type HomeserverPrefixes } from '../homeserver/prefixes.ts';
import { legacyRoutes } from './legacy-routes.ts';

const CLIENT = '/_matrix/client/';

/**
 * A request's method and raw path (or URL) → the same path under a prefix that the homeserver has.
 *
 * `r0` stays where the homeserver has it, else it becomes `v3` for every path, and `v3` likewise: the two differ in name
 * only. `api/v1` and
 * `v2_alpha` become `v3` (or `r0`) where the table lists the request. Everything else is unchanged by a byte: requests
 * whose shape changed since, like `api/v1/register` or a send without a transaction id, would be misunderstood.
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export function toHomeserverPath(method: string, rawPath: string, prefixes: HomeserverPrefixes): string {
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
    return isListed(table, method, rest.split('?', 1)[0] ?? '') ? CLIENT + modern + rest : rawPath;
  }
  return rawPath;
}

interface Row {
  methods: ReadonlySet<string>;
  segments: readonly string[];
}

const tables: readonly (readonly [prefix: string, table: Map<string, Row[]>])[] = [
  ['api/v1/', passedUnder('api/v1')],
  ['v2_alpha/', passedUnder('v2_alpha')],
];

/** Rows by their first segment, as most paths share it with few others. */
function passedUnder(prefix: 'api/v1' | 'v2_alpha'): Map<string, Row[]> {
  const rows = legacyRoutes
    .filter(({ prefixes, what, isSamePath }) => prefixes.includes(prefix) && (what === 'pass' || isSamePath))
    .map(({ methods, path }): Row => {
      // A preflight asks for any of them; HEAD is GET without the body.
      const more = ['OPTIONS', ...(methods.includes('GET') ? ['HEAD'] : [])];
      return { methods: new Set([...methods, ...more]), segments: path.split('/') };
    });
  return Map.groupBy(rows, (row) => row.segments[0] ?? '');
}

function isListed(table: Map<string, Row[]>, method: string, rest: string): boolean {
  const segments = rest.split('/');
  const rows = table.get(segments[0] ?? '') ?? [];
  return rows.some((row) => row.methods.has(method) && matches(row.segments, segments));
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((wanted, i) => {
    const given = segments[i];
    return wanted === '*' ? given !== '' || (i > 2 && i === segments.length - 1) : given === wanted;
  });
}
