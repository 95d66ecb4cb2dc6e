import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

type Exchange = [request: IncomingMessage, response: ServerResponse];

/**
 * Requests that are read ahead on a connection. Not fewer: where nothing is read, nobody sees that the client has left.
 */
const MOST_AHEAD = 16;

/**
 * Handles the requests of one connection one after the other, as front proxies do: a pipelined one is begun when the one
 * before is answered. From sixteen that wait on, nothing more is read from the connection; with what came along in the same
 * piece (64 KB at most) nothing is done either.
 *
 * Else one client would have as many requests at the homeserver as it can write lines, and their answers would wait in memory.
 */
export function oneAtATime(handler: RequestListener): RequestListener {
  /** A connection at work → what waits on it, in order. */
  const waitingOn = new WeakMap<Socket, Exchange[]>();
  const watched = new WeakSet<Socket>();

  function start(socket: Socket, [request, response]: Exchange): void {
    response.once('close', () => startNext(socket));
    handler(request, response);
  }

  function startNext(socket: Socket): void {
    const waiting = waitingOn.get(socket) ?? [];
    const next = waiting.shift();
    if (next === undefined || socket.destroyed) {
      waitingOn.delete(socket);
      return;
    }
    if (waiting.length < MOST_AHEAD) socket.resume();
    start(socket, next);
  }

  function wait(socket: Socket, waiting: Exchange[], exchange: Exchange): void {
    waiting.push(exchange);
    if (waiting.length < MOST_AHEAD) return;
    socket.pause();
    if (watched.has(socket)) return;
    watched.add(socket);
    // Node goes on reading whenever a body was read.
    socket.on('resume', () => {
      if ((waitingOn.get(socket)?.length ?? 0) >= MOST_AHEAD) socket.pause();
    });
  }

  return (request, response) => {
    const { socket } = request;
    const waiting = waitingOn.get(socket);
    if (waiting !== undefined) return wait(socket, waiting, [request, response]);
    waitingOn.set(socket, []);
    start(socket, [request, response]);
  };
}
