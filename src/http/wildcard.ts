/**
 * Tells whether one of the patterns matches a whole text; `*` stands for any characters, capitals do not matter. It takes
 * one pass for each pattern, whatever a client sends.
 */
export function matchesAny(patterns: readonly string[], text: string): boolean {
  const lower = text.toLowerCase();
  return patterns.some((pattern) => matches(pattern.toLowerCase().split('*'), lower));
}

function matches([first = '', ...rest]: readonly string[], text: string): boolean {
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at + last.length <= text.length;
}
