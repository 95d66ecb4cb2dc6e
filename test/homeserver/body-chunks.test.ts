import { once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { chunksOf } from '../../src/homeserver/body-chunks.ts';
import { TurnMeter } from '../support/turn-meter.ts';

/** A body of these chunks, all of which are at hand at once, and then what `end` does. */
function aBody(chunks: string[], end: (body: Readable) => void): Readable {
  const left = [...chunks];
  return new Readable({
    read() {
      const chunk = left.shift();
      if (chunk === undefined) end(this);
      else this.push(Buffer.from(chunk));
    },
  });
}

async function read(body: Readable): Promise<string[]> {
  const seen: string[] = [];
  for await (const chunk of chunksOf(body)) seen.push(chunk.toString());
  return seen;
}

describe('chunksOf', () => {
  test('a body -> its chunks, one by one, never joined', async () => {
    const chunks = Array.from({ length: 50 }, (_, i) => `chunk ${i}`);
    expect(await read(aBody(chunks, (body) => body.push(null)))).toEqual(chunks);
  });

  test('forty bodies of 2 MB that are at hand at once -> a turn of the event loop reads a bounded part of all', async () => {
    const meter = new TurnMeter();
    const readAll = async (): Promise<void> => {
      const body = aBody(Array<string>(32).fill('x'.repeat(64 * 1024)), (ended) => ended.push(null));
      for await (const chunk of chunksOf(body)) meter.note(chunk.length);
    };
    await Promise.all(Array.from({ length: 40 }, readAll));
    meter.end();
    expect(meter.most).toBeLessThanOrEqual(2 * 9 * 64 * 1024);
  });

  test('an empty body -> nothing', async () => {
    expect(await read(aBody([], (body) => body.push(null)))).toEqual([]);
  });

  test('a body that fails -> what came before, then its error', async () => {
    const chunks = chunksOf(aBody(['a'], (body) => body.destroy(new Error('reset'))));
    expect((await chunks.next()).value?.toString()).toBe('a');
    await expect(chunks.next()).rejects.toThrow('reset');
  });

  test('a body that is closed before its end -> an error, not an end', async () => {
    await expect(read(aBody(['a'], (body) => body.destroy()))).rejects.toThrow('before its end');
  });

  test('the loop ends early -> the body is ended', async () => {
    const body = aBody(Array<string>(1000).fill('x'), () => {});
    const closed = once(body, 'close');
    for await (const chunk of chunksOf(body)) {
      expect(chunk.toString()).toBe('x');
      break;
    }
    await closed;
    expect(body.destroyed).toBe(true);
  });

  test('nobody asks for the next chunk -> nothing more is read than one buffer', async () => {
    let readChunks = 0;
    const body = new Readable({
      highWaterMark: 4,
      read() {
        readChunks += 1;
        setImmediate(() => this.push(Buffer.from('abcd')));
      },
    });
    const chunks = chunksOf(body);
    await chunks.next();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(readChunks).toBeLessThan(4);
    await chunks.return();
  });
});
