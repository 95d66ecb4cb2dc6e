import type { FastifyReply, FastifyRequest } from 'fastify';
import { withoutTokens, writeError } from '../../http/error-handler.ts';
import { ClientLeft, cut, sendPieces } from '../../http/send.ts';
import { inTurns } from '../../scheduling/loop-budget.ts';

/**
 * Answers with pieces of JSON while they come. What goes wrong before the first one is thrown, and has a status of its
 * own; later the answer is cut, never closed: no client takes half an account for all of it.
 *
 * `onFirst` is told when the answer is about to begin, `onSent` when all of it was taken by the client.
 */
export async function replyWhileItComes(
  request: FastifyRequest,
  reply: FastifyReply,
  pieces: AsyncGenerator<Buffer, void>,
  { onFirst, onSent }: { onFirst?: () => void; onSent?: () => void } = {},
): Promise<void> {
  const first = await pieces.next();
  onFirst?.();
  reply.hijack();
  reply.raw.writeHead(200, { ...headersOf(reply), 'content-type': 'application/json' });
  try {
    await sendPieces(reply.raw, inTurns(rejoin(first, pieces)));
    onSent?.();
  } catch (error) {
    // Nothing has left yet: the error can still be said.
    if (!reply.raw.headersSent && !(error instanceof ClientLeft)) return writeError(reply.raw, error);
    if (!reply.raw.destroyed)
      request.server.incidents?.note('an answer was cut', { err: withoutTokens(error) });
    cut(reply.raw);
  }
}

async function* rejoin<Piece>(
  first: IteratorResult<Piece, void>,
  rest: AsyncGenerator<Piece, void>,
): AsyncGenerator<Piece, void> {
  if (first.done !== true) yield first.value;
  yield* rest;
}

/** Returns the headers that earlier hooks have set. */
function headersOf(reply: FastifyReply): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value : String(value);
  }
  return headers;
}
