// What passes through at full speed, many at once: how much of it is worked on in one turn of the event loop.

import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { describe, expect, test } from 'vitest';
import { Exchange } from '../../src/passthrough/exchange.ts';
import { uploadOf } from '../../src/passthrough/upload.ts';
import { TurnMeter } from '../support/turn-meter.ts';

const CHUNK = Buffer.alloc(64 * 1024);
const CHUNKS = 200;
const AT_ONCE = 20;
/** The budget of a turn, and a chunk of each that was not waiting yet. */
const MOST_BYTES = 2 * (32 + AT_ONCE) * CHUNK.length;

describe('twenty at once, 12 MB each', () => {
  test.each([
    { name: 'a client that takes all', isTaken: true },
    { name: 'a client whose kernel takes all within the turn', isTaken: false },
  ])('down, $name -> a turn passes on a bounded part', async ({ isTaken }) => {
    const meter = new TurnMeter();
    await Promise.all(Array.from({ length: AT_ONCE }, () => download(meter, isTaken)));
    meter.end();
    expect(meter.most).toBeLessThanOrEqual(MOST_BYTES);
  });

  test('up -> a turn passes on a bounded part', async () => {
    const meter = new TurnMeter();
    await Promise.all(Array.from({ length: AT_ONCE }, () => upload(meter)));
    meter.end();
    expect(meter.most).toBeLessThanOrEqual(MOST_BYTES);
  });
});

test('up, to a homeserver that wants no more while it is not its turn -> nothing comes until it wants more', async () => {
  const { request, passed, body } = startUpload(CHUNKS);
  body.resume();
  while (!request.isPaused()) await new Promise((resolve) => process.nextTick(resolve));
  const before = passed();
  body.pause();
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  expect(passed()).toBe(before);
  body.resume();
  await new Promise((resolve) => body.once('end', resolve));
  expect(passed()).toBe(CHUNKS);
});

/** An answer of which the homeserver gives as much as is wanted, at once. */
async function download(meter: TurnMeter, isTaken: boolean): Promise<void> {
  const response = Object.assign(new EventEmitter(), {
    write: (chunk: Buffer) => {
      meter.note(chunk.length);
      if (!isTaken) process.nextTick(() => response.emit('drain'));
      return isTaken;
    },
    end: () => {},
  });
  const exchange = new Exchange(
    { method: 'GET', rawUrl: '/', headers: [] },
    response as unknown as ServerResponse,
    { headDeadlineMs: 0 },
  );
  let resume = (): void => {};
  let isPaused = false;
  const controller = {
    pause: () => (isPaused = true),
    resume: () => {
      isPaused = false;
      resume();
    },
  } as unknown as Dispatcher.DispatchController;
  for (let given = 0; given < CHUNKS; given += 1) {
    exchange.onResponseData(controller, CHUNK);
    if (isPaused) await new Promise<void>((resolve) => (resume = resolve));
  }
  exchange.onResponseEnd();
}

async function upload(meter: TurnMeter): Promise<void> {
  const { body } = startUpload(CHUNKS);
  body.on('data', (chunk: Buffer) => meter.note(chunk.length));
  const ended = new Promise((resolve) => body.once('end', resolve));
  body.resume();
  await ended;
}

function startUpload(chunks: number): { request: Readable; body: Readable; passed: () => number } {
  let left = chunks;
  const request = new Readable({
    read() {
      left -= 1;
      this.push(left >= 0 ? CHUNK : null);
    },
  });
  const headers = { 'transfer-encoding': 'chunked' };
  const body = uploadOf(Object.assign(request, { headers }) as unknown as IncomingMessage);
  if (body === undefined) throw new Error('a request with a body');
  let passed = 0;
  body.on('data', () => (passed += 1));
  return { request, body, passed: () => passed };
}
