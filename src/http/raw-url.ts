// Decisions about a request's URL as it came, undecoded: what goes to the homeserver must not change by a byte.

/** The path of a raw URL, without query. */
export function pathOf(rawUrl: string): string {
  const query = rawUrl.indexOf('?');
  return query === -1 ? rawUrl : rawUrl.slice(0, query);
}

/** Whether a route's pattern (`/a/:b/*`) has all its fixed segments in the raw path, byte for byte. */
export function matchesAsSent(pattern: string, rawPath: string): boolean {
  const given = rawPath.split('/');
  return pattern.split('/').every((wanted, i) => {
    const isFixed = !wanted.startsWith(':') && wanted !== '*';
    return !isFixed || wanted === given[i];
  });
}

/** Whether the raw URL begins with one of the prefixes, byte for byte. */
export function isBelow(prefixes: readonly string[], rawUrl: string): boolean {
  for (const prefix of prefixes) if (rawUrl.startsWith(prefix)) return true;
  return false;
}

/**
 * Whether a whole segment of the path is `.` or `..`, as anything behind us might read it: with slashes or
 * backslashes, each escaped or not, any number of times.
 *
 * A server that resolves such a path could leave the prefixes that may pass. `..foo`, `a..b` and `...` are names.
 */
export function hasDotSegment(rawPath: string): boolean {
  return DOT_SEGMENT.test(rawPath);
}

const DOT_SEGMENT = /(?:^|[/\\]|%(?:25)*(?:2f|5c))(?:\.|%(?:25)*2e){1,2}(?:$|[/\\#]|%(?:25)*(?:2f|5c))/i;

/**
 * Whether the path is one whose answer the homeserver may hold back for as long as the client likes: `/sync` (sliding
 * sync too) and `/events`; and `/keys/changes`, which is slow where much has changed.
 */
export function isLongPoll(rawPath: string): boolean {
  return (
    rawPath.startsWith('/_matrix/client/') &&
    (rawPath.endsWith('/sync') || rawPath.endsWith('/events') || rawPath.endsWith('/keys/changes'))
  );
}
