// Whatever a client or a homeserver sends is read in linear time: the regular expressions of src/, and the functions that
// take long texts. A quadratic one needs eighteen million steps for 6,000 characters, a linear one a few per
// character, so that neither the machine nor its load decides.

import { globSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { MessagesPage } from '../src/homeserver/messages-page.ts';
import { toAddress } from '../src/http/forwarded.ts';
import { toAuthenticatedMedia } from '../src/passthrough/legacy-media.ts';
import { createHomeserverPaths } from '../src/passthrough/legacy-prefixes.ts';
import { SAME_PATHS } from '../src/routes.ts';
import { toOriginForm } from '../src/http/origin-form.ts';
import { takeQueryToken } from '../src/passthrough/query-token.ts';
import { queryOf, withQueryParameter } from '../src/http/query.ts';
import { isLongPoll, matchesAsSent } from '../src/http/raw-url.ts';
import { withoutAccessToken, withoutSecrets } from '../src/http/redaction.ts';
import { hasDotSegment } from '../src/matrix/dot-segments.ts';
import { MatrixError } from '../src/matrix/errors.ts';

const LENGTH = 6000;
/** CPU time that no linear reading of such a text needs. */
const SUSPICIOUS_MS = 20;

function cpuOf(work: () => unknown): number {
  const start = process.cpuUsage();
  try {
    work();
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/**
 * Whether four times the text takes more than eight times the CPU, between the four of a linear reading and the sixteen of a
 * quadratic one. The least of three counts, because others' garbage is collected meanwhile.
 */
function growsTooFast(read: (text: string) => unknown, textOf: (length: number) => string): boolean {
  const [text, longer] = [textOf(LENGTH), textOf(4 * LENGTH)];
  if (cpuOf(() => read(text)) < SUSPICIOUS_MS) return false;
  const least = (given: string): number => Math.min(...[1, 2, 3].map(() => cpuOf(() => read(given))));
  return least(longer) > Math.max(SUSPICIOUS_MS, 8 * least(text));
}

const repeated = (start: string, unit: string) => (length: number) =>
  `${start}${unit.repeat(Math.ceil(length / unit.length))}\0`;

/** Every regular expression that stands as such in a source, with its file. */
function literals(): { file: string; source: string; flags: string }[] {
  const LITERAL =
    /(?<=[=(,:?&|![;]\s?|return )\/(?![*/ ])((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)/g;
  return globSync('src/**/*.ts').flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line))
      .flatMap((line) =>
        [...line.matchAll(LITERAL)].map(([, source = '', flags = '']) => ({ file, source, flags })),
      ),
  );
}

/** Texts that keep an expression busy: what it looks for, again and again, behind what it begins with. */
function adversaries(source: string): ((length: number) => string)[] {
  const plain = source
    .replaceAll(/\\[dDwWsSbB]|\(\?[:=!<]*|\[\^?|[{}()|*+?^$\]]/g, '\n')
    .replaceAll('\\', '');
  const words = [...new Set(plain.split('\n').filter((word) => word !== ''))];
  const units = new Set([...words, ...words.join(''), ...'a0 /?&%.,:"-_=\\{[', '%25', 'Aa1', '\\"']);
  const starts = ['', ...words, words.join('')];
  return starts.flatMap((start) => [...units].map((unit) => repeated(start, unit)));
}

describe('regular expressions', () => {
  const all = literals();

  test('are found', () => {
    expect(all.length).toBeGreaterThan(60);
    expect(all.map(({ file }) => file)).toContain('src/matrix/dot-segments.ts');
  });

  test('one whose start is within its own repetition -> is caught', () => {
    const expression = /[?&](?:access_token|[^=&]*%)/;
    expect(growsTooFast((text) => expression.test(text), repeated('', '?'))).toBe(true);
  });

  test.each(all)('$file /$source/$flags', ({ source, flags }) => {
    const expression = new RegExp(source, flags.replace('y', ''));
    const slow = adversaries(source).filter((textOf) =>
      growsTooFast((text) => text.replace(expression, ''), textOf),
    );
    expect(slow.map((textOf) => textOf(20))).toEqual([]);
  });
});

describe('functions', () => {
  const toHomeserverPath = createHomeserverPaths(SAME_PATHS);
  const prefixes = { hasR0: true, hasV3: true };
  const requestTo = (url: string) => ({ raw: { url } });
  const functions: Record<string, (text: string) => unknown> = {
    takeQueryToken: (text) => takeQueryToken(`/_matrix/client/versions${text}`),
    'takeQueryToken ?': (text) => takeQueryToken(`/_matrix/client/versions?${text}`),
    queryOf: (text) => queryOf(requestTo(`/x?${text}`)),
    withQueryParameter: (text) => withQueryParameter(`/x?${text}`, 'since', 's1'),
    hasDotSegment,
    isLongPoll: (text) => isLongPoll(`/_matrix/client/${text}`),
    matchesAsSent: (text) => matchesAsSent('/_matrix/client/r0/rooms/:roomId/*', text),
    toHomeserverPath: (text) => toHomeserverPath('GET', `/_matrix/client/api/v1/rooms/${text}`, prefixes),
    toAuthenticatedMedia: (text) => toAuthenticatedMedia('GET', `/_matrix/media/v3/download/${text}`),
    toOriginForm: (text) =>
      toOriginForm({ url: `http://${text}`, headers: {}, rawHeaders: [] } as unknown as IncomingMessage),
    toAddress,
    withoutAccessToken: (text) => withoutAccessToken(`/x?${text}`),
    withoutSecrets,
    MessagesPage: (text) => new MessagesPage(Buffer.from(JSON.stringify({ chunk: [text], end: 't' }))),
  };
  const units = [
    ...'?&%=/.,:;"[a0 -_+#@\\',

    '%25',
    '%2e',
    '%61',
    'a&',
    '&a',
    'a=',
    '/a',
    '../',
    '%2f',
    '%3d',
    'token=',
    'access_token=',
    'Bearer ',

    '&access_token=a',
    '%74',
    '%2574',
    '?token',
    ',a',
    '[::1]:1,',
    '"end":"x"}',
    'secret%3d',
    'syt_',
    '\\"',
  ];

  test.each(Object.entries(functions))('%s', (_name, read) => {
    expect(units.filter((unit) => growsTooFast(read, repeated('', unit)))).toEqual([]);
  });
});
