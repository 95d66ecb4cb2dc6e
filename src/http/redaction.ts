// Nothing secret is logged: URLs lose the parameters that hold a secret, any other text loses whatever looks like one.

/**
 * URL (or path and query) → the same for a log: without any parameter that may hold a secret, `access_token` first of
 * all, whatever its case, escapes, repetitions and place. Not for URLs that are still to be requested.
 */
export function withoutAccessToken(url: string): string {
  const queryAt = url.indexOf('?');
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  const parameters = queryAt === -1 ? [] : url.slice(queryAt + 1).split('&');
  const kept = parameters.filter((parameter) => parameter !== '' && !namesSecret(parameter));
  const segments = path.split('/').map((segment) => (namesSecret(segment) ? '***' : segment));
  return withoutSecrets(segments.join('/') + (kept.length === 0 ? '' : `?${kept.join('&')}`));
}

/** Any text, such as an error's message or a line of JSON → the same with `***` for each secret in it. */
export function withoutSecrets(text: string): string {
  return text.replace(AFTER_BEARER, '$1***').replace(AFTER_NAME, '$1***').replace(BY_ITS_LOOK, '***');
}

// The whole parameter is searched, not only its name: its value may be another URL, escaped.
function namesSecret(parameter: string): boolean {
  return SECRET_NAME.test(unescapeFully(parameter));
}

/** Undoes percent-escapes of ASCII, however often each was escaped again; in one pass, whatever a client sends. */
function unescapeFully(text: string): string {
  return text.replaceAll(/%(?:25)*([0-7][\da-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/**
 * Parameters with one of these words in their names hold secrets: `access_token`, `loginToken`, `client_secret`,
 * `new_password`.
 */
const SECRET_WORDS = ['token', 'secret', 'password'];
const REST_OF_NAME = '[\\w.%[\\]-]{0,30}';
const SECRET_NAME = new RegExp(`(?:${SECRET_WORDS.join('|')})${REST_OF_NAME}=`, 'i');

/** A word → a pattern of it, each of its letters as it is or escaped any number of times. */
const escapable = (word: string): string =>
  [...word]
    .map((letter) => `(?:${letter}|%(?:25)*(?:${hexOf(letter)}|${hexOf(letter.toUpperCase())}))`)
    .join('');
const hexOf = (letter: string): string => letter.charCodeAt(0).toString(16);

const AFTER_BEARER = /(\bbearer(?:\s|%20|\+)+)[^\s"'\\,;]+/gi;

// `access_token=x`, also escaped, and `"access_token":"x"`, also in a string that is itself within JSON.
const AFTER_NAME = new RegExp(
  `((?:${SECRET_WORDS.map(escapable).join('|')})${REST_OF_NAME}` +
    `(?:${escapable('=')}|\\\\*["']\\s*:\\s*\\\\*["']))[^\\s"'\\\\&;#<>)]+`,
  'gi',
);

/** The tokens of Synapse and of its authentication service are known by their look, wherever they stand. */
const BY_ITS_LOOK = /\b(?:syt|syr|mat|mct|mar)_[\w+/-]{12,}/g;
