import { setImmediate } from 'node:timers/promises';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A body that stops after so many bytes, and takes the connection with it once they have left. */
export function cutAfter(
  bytes: number,
  payload: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Readable {
  const body = toBuffer(payload);
  const { socket } = request.raw;
  // The length of the whole, so that who reads can tell that something is missing.
  reply.header('content-length', body.length);
  async function* cut(): AsyncGenerator<Buffer> {
    // With nothing to send, the head would not go out at all.
    if (bytes === 0) reply.raw.flushHeaders();
    else yield body.subarray(0, bytes);
    while (socket.writableLength > 0) await setImmediate();
    socket.destroy();
  }
  return Readable.from(cut(), { objectMode: false });
}

/** A body that ends in the middle of a word, though its length is right. */
export function garble(payload: unknown, reply: FastifyReply): Buffer {
  const body = toBuffer(payload);
  const garbled = Buffer.concat([
    body.subarray(0, Math.floor(body.length / 2)),
    Buffer.from('"gar\u0000bage'),
  ]);
  reply.header('content-length', garbled.length);
  return garbled;
}

function toBuffer(payload: unknown): Buffer {
  return Buffer.isBuffer(payload) ? payload : Buffer.from(typeof payload === 'string' ? payload : '');
}
