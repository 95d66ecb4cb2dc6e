import { Writable } from 'node:stream';
import * as fc from 'fast-check';
import { fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import { createLogger, withoutAccessToken } from '../../src/http/logging.ts';
import { withoutSecrets } from '../../src/http/redaction.ts';

const TOKEN = 'CanaryTokenQ7x';

/** A logger, and all that it wrote. */
function aLogger() {
  let written = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written += String(chunk);
      done();
    },
  });
  return { logger: createLogger({ level: 'trace', stream }), written: () => written };
}

/** The text, each letter as it is, in upper case, or escaped in one of three ways. */
const escaped = (text: string, choices: number[]): string =>
  [...text]
    .map((letter, at) => {
      const choice = (choices[at % choices.length] ?? 0) % 5;
      const hex = letter.charCodeAt(0).toString(16);
      return (
        [letter, letter.toUpperCase(), `%${hex}`, `%${hex.toUpperCase()}`, `%25${hex}`][choice] ?? letter
      );
    })
    .join('');

describe('withoutAccessToken', () => {
  test.each([
    { given: '/sync?access_token=x', expected: '/sync' },
    { given: '/sync?access_token=x&limit=3', expected: '/sync?limit=3' },
    { given: '/sync?limit=3&access_token=x&dir=b', expected: '/sync?limit=3&dir=b' },
    { given: '/sync?access_token=x&access_token=y', expected: '/sync' },
    { given: '/sync?%61ccess_token=x&a=%2F', expected: '/sync?a=%2F' },
    { given: '/sync?ACCESS%5FTOKEN=x', expected: '/sync' },
    { given: '/login?loginToken=x&client_secret=y&a=1', expected: '/login?a=1' },
    { given: '/r?to=https%3A%2F%2Fa%2F%3Faccess_token%3Dx&b=1', expected: '/r?b=1' },
    { given: '/rooms;access_token=x/state?b=1', expected: '/***/state?b=1' },
    { given: '/events?from=s1_2_3&timeout=0', expected: '/events?from=s1_2_3&timeout=0' },
    { given: '/profile/%40token%3Aexample.org', expected: '/profile/%40token%3Aexample.org' },
    { given: '/sync?%252525255faccess%25255Ftoken=x', expected: '/sync' },
    { given: '/a?%zz=1', expected: '/a?%zz=1' },
    { given: '', expected: '' },
  ])('when given $given -> $expected', ({ given, expected }) => {
    expect(withoutAccessToken(given)).toBe(expected);
  });

  test('when the token hides behind case, escapes, copies and other parameters -> it does not survive', () => {
    const choices = fc.array(fc.nat(4), { minLength: 1, maxLength: 12 });
    const hidden = choices.map((each) => `${escaped('access_token', each)}=${TOKEN}`);
    const harmless = fc.webQueryParameters().filter((query) => !query.includes(TOKEN));
    const parameters = fc.array(fc.oneof(hidden, harmless), { minLength: 1, maxLength: 6 });
    const separator = fc.constantFrom('&', ';', '&&', '#', '?');
    fc.assert(
      fc.property(fc.webPath(), parameters, separator, (path, query, between) => {
        const url = `${path}?${query.join(between)}`;
        expect(withoutAccessToken(url)).not.toContain(TOKEN);
        expect(withoutSecrets(`cannot fetch "${url}" now`)).not.toContain(TOKEN);
      }),
      { numRuns: 2_000 },
    );
  });

  test('when a URL holds no secret -> it stays as it is', () => {
    const names = fc.constantFrom('from', 'since', 'limit', 'dir', 'filter', 'timeout', 'user_id');
    const query = fc.array(fc.tuple(names, fc.webFragments()), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(query, (parameters) => {
        const url = `/_matrix/client/v3/sync?${parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
        fc.pre(!/token|secret|password|bearer/i.test(url));
        expect(withoutAccessToken(url)).toBe(url);
      }),
    );
  });
});

describe('createLogger', () => {
  test.each([
    { name: 'an error message with a URL', log: { err: new Error(`GET /a?access_token=${TOKEN}: no`) } },
    { name: 'a header', log: { headers: { authorization: `Bearer ${TOKEN}` } } },
    { name: 'a header of a nested request', log: { a: { b: { headers: { authorization: TOKEN } } } } },
    { name: 'a bearer token in a text', log: { text: `sent Bearer ${TOKEN}, got 401` } },
    { name: 'a body', log: { body: JSON.stringify({ access_token: TOKEN, user_id: '@a:b' }) } },
    { name: 'a body as an object', log: { body: { access_token: TOKEN, password: TOKEN } } },
    { name: 'the cause of an error', log: { err: new Error('no', { cause: new Error(`Bearer ${TOKEN}`) }) } },
  ])('when $name is logged -> the token is not', ({ log }) => {
    const { logger, written } = aLogger();
    logger.error(log, 'something went wrong');
    logger.child({ reqId: 1 }).error(log);
    expect(written()).toContain('something went wrong');
    expect(written()).not.toContain(TOKEN);
    for (const line of written().trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });

  test('when fastify logs a request and its failure -> method and URL without the token', async () => {
    const { logger, written } = aLogger();
    const app = fastify({ loggerInstance: logger });
    app.get('/a', async (request) => {
      throw new Error(`cannot answer ${request.url}`);
    });
    await app.inject({
      url: `/a?access_token=${TOKEN}&limit=3`,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    await app.close();
    expect(written()).toContain('"req":{"method":"GET","url":"/a?limit=3"}');
    expect(written()).not.toContain(TOKEN);
  });

  test('when the level is silent -> nothing is written', () => {
    let isWritten = false;
    const logger = createLogger({ level: 'silent', stream: { write: () => (isWritten = true) } });
    logger.fatal('the end');
    expect(isWritten).toBe(false);
  });
});
