// Requests of the client API by prefix, method and path: how the table of routes names them, and how one is found.

/** The prefixes below `/_matrix/client/` under which old and new clients ask. */
export const PREFIXES = ['api/v1', 'r0', 'v3', 'v1', 'unstable', 'v2_alpha'] as const;

export type Prefix = (typeof PREFIXES)[number];

export interface RoutePattern {
  prefixes: readonly Prefix[];
  methods: readonly string[];
  /**
   * The path below the prefix. `*` stands for one segment, which may be empty only at the end, as an empty state key
   * is. `**`, at the end, stands for all the rest.
   */
  path: string;
}

/** Patterns by their first segment, as most paths share it with few others. */
export type PatternIndex<Pattern extends RoutePattern> = ReadonlyMap<string, readonly Indexed<Pattern>[]>;

interface Indexed<Pattern> {
  pattern: Pattern;
  methods: ReadonlySet<string>;
  segments: readonly string[];
}

/** Patterns → an index in which `findPattern` finds them. Of two that match, the first one is found. */
export function indexPatterns<Pattern extends RoutePattern>(
  patterns: readonly Pattern[],
): PatternIndex<Pattern> {
  const rows = patterns.map((pattern): Indexed<Pattern> => {
    // A preflight asks for any of them; HEAD is GET without the body.
    const more = ['OPTIONS', ...(pattern.methods.includes('GET') ? ['HEAD'] : [])];
    const segments = pattern.path.split('/');
    return { pattern, methods: new Set([...pattern.methods, ...more]), segments };
  });
  return Map.groupBy(rows, ({ segments }) => segments[0] ?? '');
}

/** A method and the raw path below the prefix, without query → the pattern that it matches byte for byte, if any. */
export function findPattern<Pattern extends RoutePattern>(
  index: PatternIndex<Pattern>,
  method: string,
  path: string,
): Pattern | undefined {
  const segments = path.split('/');
  const rows = index.get(segments[0] ?? '') ?? [];
  return rows.find((row) => row.methods.has(method) && matches(row.segments, segments))?.pattern;
}

function matches(wanted: readonly string[], given: readonly string[]): boolean {
  const hasRest = wanted.at(-1) === '**';
  if (hasRest ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, i) => {
    if (segment === '**') return true;
    const isLast = i > 2 && i === given.length - 1;
    return segment === '*' ? given[i] !== '' || isLast : given[i] === segment;
  });
}

/** A path with stars, and values for them → its segments. */
export function fillStars(path: string, values: readonly string[]): string[] {
  let star = 0;
  return path.split('/').map((segment) => (segment === '*' ? (values[star++] ?? '') : segment));
}

/** `rooms/*` → `/rooms/:p1`: parameters by their place, so that they come in order. */
export function toRouterPath(path: string): string {
  const segments = path.split('/').map((segment, i) => {
    if (segment === '**') return '*';
    return segment === '*' ? `:p${i}` : segment;
  });
  return `/${segments.join('/')}`;
}
