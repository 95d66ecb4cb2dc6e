// This parser is for the small values that are put together anew: presence, invites, what a room was called.

/**
 * An event has at most 64 KB, and may carry the one that it replaced. To look at each number of so much takes up to 70 ms, of 8 MB
 * four seconds.
 */
const MOST_EXACT_LENGTH = 2 * 64 * 1024;

/**
 * JSON text → its value, as `JSON.parse` gives it, but that a number whose spelling a double would lose is an object which
 * `JSON.stringify` writes as it came: 9007199254740993, 21.0, -0.0.
 *
 * In a text that is longer than any event, every number is a double.
 *
 * Whoever computes with a number of it has to ask whether it is one.
 */
export function parseExactly(text: string): unknown {
  if (text.length > MOST_EXACT_LENGTH || !MAY_BE_ODD.test(text)) return JSON.parse(text);
  return parseWithSource(text, (_key, value, context) => {
    const source = context?.source;
    const isOdd = typeof value === 'number' && source !== undefined && JSON.stringify(value) !== source;
    return isOdd ? rawJson(source) : value;
  });
}

/** Finds every number that is not a plain one of at most 15 digits, and some strings: then each value is looked at. */
const MAY_BE_ODD = /(?:^|[\s:[,])-?(?:0[^,}\]]|\d{16}|\d{1,15}[.eE])|-0/;

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

// Known to Node since 22, not to TypeScript's library.
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;
const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (text: string) => unknown };
