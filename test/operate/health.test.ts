import { fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import { health, type HealthOptions } from '../../src/operate/health.ts';

/** The internal listener, before a homeserver that answers unless told otherwise. */
function anApp(given: Partial<HealthOptions> = {}) {
  let asked = 0;
  const time = { now: 0 };
  const { askHomeserver = async () => ({}), ...options } = given;
  const app = fastify();
  app.register(health, {
    isDraining: () => false,
    clock: { now: () => time.now },
    askHomeserver: (signal: AbortSignal) => {
      asked += 1;
      return askHomeserver(signal);
    },
    ...options,
  });
  return { app, time, asked: () => asked };
}

const refuses = async () => {
  throw new Error('connect ECONNREFUSED 10.1.2.3:8008');
};

const neverAnswers = (signal: AbortSignal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

describe('GET /health', () => {
  test.each(['/health', '/healthz', '/live'])(
    'when the process lives -> %s is 200, whatever else is',
    async (url) => {
      const { app, asked } = anApp({ askHomeserver: refuses, isDraining: () => true });
      expect((await app.inject(url)).statusCode).toBe(200);
      expect(asked()).toBe(0);
    },
  );
});

describe('GET /ready', () => {
  test('when the homeserver answers -> 200', async () => {
    expect((await anApp().app.inject('/ready')).json()).toEqual({ status: 'ok' });
  });

  test('when it does not -> 503 with the reason, without its address', async () => {
    const response = await anApp({ askHomeserver: refuses }).app.inject('/ready');
    expect(response.statusCode).toBe(503);
    expect(response.json()).toEqual({ status: 'unavailable', reason: 'the homeserver does not answer' });
  });

  test('when it takes longer than the deadline -> 503', async () => {
    const { app } = anApp({ askHomeserver: neverAnswers, deadlineMs: 1 });
    expect((await app.inject('/ready')).statusCode).toBe(503);
  });

  test('when the gateway drains -> 503 with the reason, and the homeserver is not asked', async () => {
    const { app, asked } = anApp({ isDraining: () => true });
    const response = await app.inject('/ready');
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ reason: 'draining' });
    expect(asked()).toBe(0);
  });

  test('when many ask within a second -> the homeserver is asked once, and again after it', async () => {
    const { app, time, asked } = anApp();
    await Promise.all([app.inject('/ready'), app.inject('/ready')]);
    time.now = 999;
    await app.inject('/ready');
    expect(asked()).toBe(1);
    time.now = 1_000;
    await app.inject('/ready');
    expect(asked()).toBe(2);
  });

  test('when the homeserver comes back -> 200 again', async () => {
    let isUp = false;
    const { app, time } = anApp({ askHomeserver: async () => (isUp ? {} : refuses()) });
    expect((await app.inject('/ready')).statusCode).toBe(503);
    isUp = true;
    time.now = 5_000;
    expect((await app.inject('/ready')).statusCode).toBe(200);
  });
});
