/**
 * Tells whether a whole segment of the path is `.` or `..`, as any server behind us might read it: with slashes or
 * backslashes, each escaped or not, any number of times.
 *
 * A server that resolves such a path could leave the prefixes that may pass. `..foo`, `a..b` and `...` are names.
 */
export function hasDotSegment(rawPath: string): boolean {
  return DOT_SEGMENT.test(rawPath);
}

const DOT_SEGMENT = /(?:^|[/\\]|%(?:25)*(?:2f|5c))(?:\.|%(?:25)*2e){1,2}(?:$|[/\\#]|%(?:25)*(?:2f|5c))/i;
