import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Milliseconds } from '../matrix/identifiers.ts';

/** A connection as `node:http` keeps it, with the answer that is being sent on it. */
type AnsweringSocket = Socket & { _httpMessage?: ServerResponse | null };

/**
 * Makes a server reset the connections of clients that take no byte of their answer for `afterMs`, whoever sends it: an
 * endpoint or the pass-through. Who reads slowly is waited for, and so is a homeserver that has sent nothing to write.
 *
 * Node's own timer of a socket does the work: it starts anew with every byte that the kernel takes.
 */
export function cutStalledReaders(
  server: Server,
  options: { afterMs: Milliseconds; onCut?: () => void },
): void {
  const { afterMs, onCut } = options;
  if (afterMs === 0) return;
  server.setTimeout(afterMs, (socket: AnsweringSocket) => {
    const { _httpMessage: answer } = socket;
    const isAnswering = answer !== undefined && answer !== null;
    // Without an answer it is Node's limit of idle connections that has come.
    if (!isAnswering) socket.destroy();
    if (!isAnswering || socket.writableLength === 0) return;
    onCut?.();
    socket.resetAndDestroy();
  });
}
