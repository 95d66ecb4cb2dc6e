import { MatrixError } from '../matrix/errors.ts';

/**
 * A request's raw URL → its query. Of a repeated parameter `get` gives the first, as Synapse reads it; `+` is a space.
 * Only the raw URL counts: what fastify parsed may differ for odd escapes. Throws 414 for more than a thousand.
 */
export function queryOf(request: { raw: { url?: string | undefined } }): URLSearchParams {
  const rawUrl = request.raw.url ?? '';
  const start = rawUrl.indexOf('?');
  if (start === -1) return new URLSearchParams();
  if (countUpTo(MOST_PARAMETERS, '&', rawUrl) === MOST_PARAMETERS)
    throw new MatrixError(414, 'M_TOO_LARGE', 'The URL has too many parameters');
  return new URLSearchParams(rawUrl.slice(start + 1));
}

/** A URL that we answer may have so many: a hundred times what any client sends, and read in well below a millisecond. */
const MOST_PARAMETERS = 1000;

function countUpTo(most: number, character: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at !== -1 && count < most; at = text.indexOf(character, at + 1))
    count += 1;
  return count;
}

/**
 * Raw URL → the same with this parameter's value replaced, or without it where `value` is undefined.
 * All else stays as it is, to the byte; of a repeated parameter the first is replaced and the others go.
 */
export function withQueryParameter(rawUrl: string, name: string, value: string | undefined): string {
  const start = rawUrl.indexOf('?');
  if (start === -1) return rawUrl;
  let isReplaced = value === undefined;
  const parameters = rawUrl
    .slice(start + 1)
    .split('&')
    .flatMap((parameter) => {
      if (!isNamed(parameter, name)) return [parameter];
      if (isReplaced) return [];
      isReplaced = true;
      return [`${name}=${encodeURIComponent((value ?? '').toWellFormed())}`];
    });
  return parameters.length === 0
    ? rawUrl.slice(0, start)
    : `${rawUrl.slice(0, start)}?${parameters.join('&')}`;
}

/** Tells whether a raw parameter (`name=value`) has this name of plain letters, written as it is or with escapes. */
export function isNamed(parameter: string, name: string): boolean {
  const equals = parameter.indexOf('=');
  const given = equals === -1 ? parameter : parameter.slice(0, equals);
  if (given.length === name.length) return given === name;
  // An escape is two characters longer than what it stands for. There may be tens of thousands of parameters.
  if (given.length < name.length || given.length > 3 * name.length) return false;
  return !given.startsWith('?') && new URLSearchParams(given).has(name);
}
