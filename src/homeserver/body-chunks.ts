import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** To read so much takes a few milliseconds; a turn for each chunk would cost a tenth of the reading. */
const TURN_BYTES = 256 * 1024;

/**
 * A body → its chunks, each as the connection gave it: nothing more is read until the next one is asked for.
 *
 * Iterating over the stream itself would join what is buffered, which copies every byte once more. Now and then
 * everybody else gets a turn, however much has come already. Whoever ends the loop early ends the body. Throws what the
 * body fails with.
 */
export async function* chunksOf(body: Readable): AsyncGenerator<Buffer, void> {
  const chunks: Buffer[] = [];
  let sinceTurn = 0;
  let isOver = false;
  let failure: Error | undefined;
  let wake = () => {};
  body.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    body.pause();
    wake();
  });
  body.on('end', () => (isOver = true));
  body.on('error', (error) => (failure = error));
  body.on('close', () => {
    if (!isOver) failure ??= new Error('the body was closed before its end');
    wake();
  });
  for (const event of ['end', 'error']) body.on(event, () => wake());
  try {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        sinceTurn += chunk.length;
        if (sinceTurn < TURN_BYTES) continue;
        sinceTurn = 0;
        await nextTurn();
      } else if (failure !== undefined) throw failure;
      else if (isOver) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
          body.resume();
        });
    }
  } finally {
    body.destroy();
  }
}
