// These functions send answers past Fastify, as bytes, at the client's pace.

import type { ServerResponse } from 'node:http';

/**
 * Sends what `pieces` give, and ends the answer. A piece is asked for when the one before has left the process, so the
 * same memory may carry each.
 *
 * Throws what `pieces` throw, and where the client leaves; the answer is still open then: see `cut`.
 */
export async function sendPieces(response: ServerResponse, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) {
    if (piece.length > 0) await sendPiece(response, piece);
  }
  response.end();
}

async function sendPiece(response: ServerResponse, piece: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onClose = () => reject(new ClientLeft());
    if (response.destroyed) {
      onClose();
      return;
    }
    response.once('close', onClose);
    response.write(piece, (error) => {
      response.off('close', onClose);
      // The error comes before `close`: to go on would be to fail again at once, for ever, as no event gets its turn.
      if (error !== undefined && error !== null) reject(new ClientLeft(undefined, { cause: error }));
      else if (response.destroyed) onClose();
      else resolve();
    });
  });
}

/** This error says that the client closed the connection before it had the whole answer. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft';
}

/**
 * Returns a signal that aborts when the response is closed: because the client left, or because the answer is over.
 * Fastify's `request.signal` stays silent once a reply is hijacked.
 */
export function closeSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  response.once('close', () => controller.abort());
  return controller.signal;
}

/** Ends the connection without ending the answer, so that nobody takes half of it for all of it. */
export function cut(response: ServerResponse): void {
  response.destroy();
}
