/** A request without a User-Agent, or with one that says nothing, is counted under this name. */
export const NO_NAME = 'no name';
const LONGEST = 40;

/** Products that come at the end of a browser's User-Agent: the first of these that it has is what people call it. */
const BROWSERS = ['Element', 'Riot', 'SchildiChat', 'Cinny', 'Edg', 'OPR', 'Firefox', 'Chrome', 'Safari'];

/**
 * A User-Agent → the name of the client, without its version: `WeeChat/3.8 (x)` is `WeeChat`.
 *
 * Letters, digits and `. _ + -` and space are kept, all else becomes `?`, so that it can be shown anywhere.
 */
export function clientNameOf(userAgent: string | undefined): string {
  const given = (userAgent ?? '').slice(0, 512);
  const name = given.startsWith('Mozilla/') ? browserIn(given) : (given.split(/[/(;,]/, 1)[0] ?? '');
  return cleanName(name);
}

/** Any text → at most 40 characters that can be shown anywhere. */
export function cleanName(text: string): string {
  const clean = text
    .trim()
    .replaceAll(/[^A-Za-z0-9._+ -]/gu, '?')
    .slice(0, LONGEST)
    .trim();
  return clean === '' ? NO_NAME : clean;
}

function browserIn(userAgent: string): string {
  return BROWSERS.find((name) => userAgent.includes(`${name}/`)) ?? 'Mozilla';
}
