import Fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { answerPreflight } from '../../src/http/cors.ts';
import {
  installErrorHandler,
  methodNotAllowed,
  toErrorAnswer,
  withoutTokens,
} from '../../src/http/error-handler.ts';
import { HomeserverError, HomeserverUnavailable, MatrixError } from '../../src/matrix/errors.ts';

function bodyOf(error: unknown): unknown {
  return JSON.parse(toErrorAnswer(error).body.toString());
}

describe('what a client gets', () => {
  test('a MatrixError -> its status, errcode, text and fields', () => {
    const error = new MatrixError(401, 'M_UNKNOWN_TOKEN', 'Invalid access token passed.', {
      soft_logout: false,
    });
    expect(toErrorAnswer(error).status).toBe(401);
    expect(bodyOf(error)).toEqual({
      errcode: 'M_UNKNOWN_TOKEN',
      error: 'Invalid access token passed.',
      soft_logout: false,
    });
  });

  test("the homeserver's error -> its body byte for byte, its content type and Retry-After", () => {
    const body = Buffer.from('{ "errcode":"M_LIMIT_EXCEEDED",  "retry_after_ms":1500}');
    const answer = toErrorAnswer(
      new HomeserverError(429, body, {
        'content-type': 'application/json; charset=utf-8',
        'retry-after': '2',
      }),
    );
    expect(answer.status).toBe(429);
    expect(answer.body.toString()).toBe(body.toString());
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'retry-after': '2',
      'access-control-allow-origin': '*',
    });
  });

  test('a 429 of our own -> Retry-After in whole seconds', () => {
    const error = new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many', { retry_after_ms: 1200 });
    expect(toErrorAnswer(error).headers['retry-after']).toBe('2');
  });

  test.each([
    new Error('connect ECONNREFUSED 10.0.0.7:8008'),
    new HomeserverUnavailable(502, 'Could not reach the homeserver', {
      cause: new Error('connect ECONNREFUSED 10.0.0.7:8008'),
    }),
    'a string with 10.0.0.7',
    undefined,
    Object.assign(new Error('10.0.0.7'), { statusCode: 404, code: 'ENOENT' }),
  ])('%s -> nothing of the inside is shown', (error) => {
    const { status, body } = toErrorAnswer(error);
    expect(status).toBeGreaterThanOrEqual(500);
    expect(body.toString()).not.toMatch(/10\.0\.0\.7|at .*:\d+/);
  });
});

async function appWith(handler: () => unknown) {
  const app = Fastify();
  installErrorHandler(app);
  app.get('/x', handler);
  app.post('/x', methodNotAllowed);
  app.options('/x', answerPreflight);
  await app.ready();
  return app;
}

describe('on an app', () => {
  test('an unknown path -> 404 M_UNRECOGNIZED with the headers of Synapse', async () => {
    const answer = await (await appWith(() => '')).inject('/nowhere');
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toEqual({ errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-cache, no-store, must-revalidate',
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
      'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization, Date',
    });
  });

  test('another method -> 405 M_UNRECOGNIZED', async () => {
    const answer = await (await appWith(() => '')).inject({ method: 'POST', url: '/x' });
    expect([answer.statusCode, answer.json()]).toEqual([
      405,
      { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' },
    ]);
  });

  test('a preflight -> 204 with CORS, no body, no caching rule', async () => {
    const answer = await (await appWith(() => '')).inject({ method: 'OPTIONS', url: '/x' });
    expect([answer.statusCode, answer.body, answer.headers['content-length']]).toEqual([204, '', '0']);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers).not.toHaveProperty('cache-control');
  });

  test('a body that is no JSON -> 400 M_NOT_JSON', async () => {
    const app = await appWith(() => '');
    const answer = await app.inject({
      method: 'POST',
      url: '/x',
      headers: { 'content-type': 'application/json' },
      payload: '{',
    });
    expect([answer.statusCode, answer.json().errcode]).toEqual([400, 'M_NOT_JSON']);
  });

  test('a handler that breaks -> 500 M_UNKNOWN, without its message', async () => {
    const answer = await (
      await appWith(() => {
        throw new Error('secret');
      })
    ).inject('/x');
    expect([answer.statusCode, answer.json()]).toEqual([
      500,
      { errcode: 'M_UNKNOWN', error: 'Internal server error' },
    ]);
  });
});

test('an error for the log -> without tokens', () => {
  const error = new Error(
    'GET /sync?access_token=SECRET1&a=1 {"access_token":"SECRET2"} Authorization: Bearer SECRET3',
  );
  expect(JSON.stringify(withoutTokens(error))).not.toContain('SECRET');
});
