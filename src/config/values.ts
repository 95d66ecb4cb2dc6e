// What a setting's text can mean: sizes, durations, addresses, lists. Each knows how to say what it expects.

import { compile } from '@fastify/proxy-addr';
import { z } from 'zod';

/** `schema` reads what a flag, a variable or the file gave; `expected` ends the sentence "expected …". */
export interface ValueType<Value> {
  schema: z.ZodType<Value>;
  expected: string;
}

const SIZE_UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
export const DURATION_UNITS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };

export const text = z.union([z.string(), z.number().transform(String)]).transform((given) => given.trim());

/** `64 MiB`, or a plain number of bytes → bytes. */
export function size(bounds: { least: string; most: string }): ValueType<number> {
  return {
    schema: quantity(SIZE_UNITS, bounds),
    expected: `a size from ${bounds.least} to ${bounds.most}, such as "64 MiB" (a plain number is bytes)`,
  };
}

/** `500 ms`, `30 s`, `10 min`, `1 h`, or a plain number of milliseconds → milliseconds. */
export function duration(bounds: { least: string; most: string }): ValueType<number> {
  return {
    schema: quantity(DURATION_UNITS, bounds),
    expected: `a duration from ${bounds.least} to ${bounds.most}, such as "30 s" (a plain number is milliseconds)`,
  };
}

/** A whole number; with `orOff` also the word `off`, which is Infinity, so that whoever compares needs no `if`. */
export function count(bounds: { least: number; most: number; orOff?: boolean }): ValueType<number> {
  const { least, most, orOff = false } = bounds;
  return {
    schema: text.transform((given, context) => {
      if (orOff && given === 'off') return Number.POSITIVE_INFINITY;
      const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
      return number >= least && number <= most ? number : refuse(context);
    }),
    expected: `a whole number from ${least} to ${most}${orOff ? ', or off' : ''}`,
  };
}

export const onOrOff: ValueType<boolean> = {
  schema: z.union([z.boolean(), z.enum(['true', 'false']).transform((given) => given === 'true')]),
  expected: 'true or false',
};

export function oneOf<const Word extends string>(words: readonly Word[]): ValueType<Word> {
  return { schema: z.enum(words), expected: `one of ${words.join(', ')}` };
}

/** `127.0.0.1:8009`, `[::1]:8009`, `localhost:0` → host (without brackets) and port. */
export const listenAddress: ValueType<{ host: string; port: number }> = {
  schema: text.transform((given, context) => {
    const parts = /^(?:\[([\da-fA-F:.%\w]+)\]|([^\s:/[\]@]+)):(\d{1,5})$/.exec(given);
    const host = parts?.[1] ?? parts?.[2];
    const port = Number(parts?.[3]);
    return host !== undefined && port <= 65_535 ? { host, port } : refuse(context);
  }),
  expected: 'host:port, such as 127.0.0.1:8009 or [::1]:8009 (port 0: any free one)',
};

/** `http(s)://host:port` without anything behind it, or `unix:/path` → the same, in its normal form. */
export const homeserverAddress: ValueType<string> = {
  schema: text.transform((given, context) => {
    if (/^unix:\/[^\0]+$/.test(given)) return given;
    const isBare = /^https?:\/\/[^\s/?#@\\]+\/?$/i.test(given) && URL.canParse(given);
    return isBare ? new URL(given).origin : refuse(context);
  }),
  expected: 'http://host:port or https://host:port without path, query or credentials, or unix:/path',
};

export const pathPrefixes = listOf(
  z.string().regex(/^\/(?!\/)[^\s?#\\%]*$/),
  'paths that start with /, separated by commas',
);

/** A name of its own, or one of two words for whose it is. */
export const hostHeader: ValueType<string> = {
  schema: text.transform((given, context) =>
    /^(?:[\w.-]{1,255}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i.test(given) ? given : refuse(context),
  ),
  expected: 'client, homeserver_url, or a host name such as matrix.example.org',
};

export const proxyAddresses = listOf(
  z.string().refine(isAddressOrNetwork),
  'addresses, networks (10.0.0.0/8) or loopback, linklocal, uniquelocal, separated by commas',
);

export const wildcards = listOf(
  z.string().min(1),
  'patterns such as weechat/* or *Android*, separated by commas',
);

/** `1 %`, `0.5 %` → 0.01, 0.005. */
export const percentage: ValueType<number> = {
  schema: text.transform((given, context) => {
    const number = Number(/^(\d{1,3}(?:\.\d{1,6})?) ?%$/.exec(given)?.[1] ?? Number.NaN);
    return number <= 100 ? number / 100 : refuse(context);
  }),
  expected: 'a share from 0 % to 100 %, such as "1 %"',
};

/** A path; the word `none` is undefined. */
export const filePath: ValueType<string | undefined> = {
  schema: text.transform((given, context) => {
    if (given === 'none') return undefined;
    return given === '' || given.includes('\0') ? refuse(context) : given;
  }),
  expected: 'the path of a file; or none',
};

/** A YAML list, or text with commas → its entries; the word `none` is the empty list. */
function listOf(entry: z.ZodType<string, string>, expected: string): ValueType<string[]> {
  const entries = z.union([z.array(z.string()), z.string().transform((given) => given.split(','))]);
  return {
    schema: entries
      .transform((given) => given.map((each) => each.trim()))
      .transform((given) => (given.length === 1 && given[0] === 'none' ? [] : given))
      .pipe(z.array(entry)),
    expected: `${expected}; or none`,
  };
}

function quantity(
  units: Record<string, number>,
  bounds: { least: string; most: string },
): z.ZodType<number, unknown> {
  const least = inUnits(bounds.least, units);
  const most = inUnits(bounds.most, units);
  return text.transform((given, context) => {
    const number = inUnits(given, units);
    return number >= least && number <= most ? number : refuse(context);
  });
}

/** NaN for what is no quantity: it is within no bounds. */
export function inUnits(given: string, units: Record<string, number>): number {
  const parts = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(given);
  const factor = parts?.[2] === '' ? 1 : (units[parts?.[2] ?? ''] ?? Number.NaN);
  return Math.round(Number(parts?.[1]) * factor);
}

function isAddressOrNetwork(given: string): boolean {
  try {
    compile(given);
    return true;
  } catch {
    return false;
  }
}

// Without words of its own: the reader of settings says what is expected.
export function refuse(context: z.RefinementCtx): never {
  context.addIssue({ code: 'custom' });
  return z.NEVER;
}
