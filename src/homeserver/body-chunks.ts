import type { Readable } from 'node:stream';
import { loopBudget } from '../scheduling/loop-budget.ts';

/**
 * A body → its chunks, each as the connection gave it: nothing more is read until the next one is asked for.
 *
 * Iterating over the stream itself would join what is buffered, which copies every byte once more. A chunk is given when it
 * may be worked on, however much has come already. Whoever ends the loop early ends the body. Throws what the
 * body fails with.
 */
export async function* chunksOf(body: Readable): AsyncGenerator<Buffer, void> {
  const chunks: Buffer[] = [];
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
        const turn = loopBudget.turnFor(chunk.length);
        if (turn !== undefined) await turn;
        yield chunk;
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

/** Gives the same chunks; what goes wrong between them is reported as for any call. */
export async function* explained(
  chunks: AsyncIterable<Buffer>,
  explain: (error: unknown) => unknown,
): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    throw explain(error);
  }
}
