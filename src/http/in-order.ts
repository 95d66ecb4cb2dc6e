import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

type Exchange = [request: IncomingMessage, response: ServerResponse];

/** A connection on which a request is being answered. */
interface Busy {
  /** What came behind it, in order. */
  waiting: Exchange[];
  /** While nothing is read from it. */
  paused?: NodeJS.Timeout;
}

/** Requests that are read ahead on a connection. Not fewer: where nothing is read, nobody sees that the client has left. */
const MOST_AHEAD = 16;

/** How long a connection may be left unread behind one request: then it is closed, as its client may long have left. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Handles the requests of one connection one after the other, as front proxies do: a pipelined one is begun when the one
 * before is answered. From sixteen that wait on, nothing more is read from the connection; with what came along in the same
 * piece (64 KB at most) nothing is done either.
 *
 * Else one client would have as many requests at the homeserver as it can write lines, and their answers would wait in memory.
 */
export function oneAtATime(handler: RequestListener): RequestListener {
  const connections = new WeakMap<Socket, Busy>();
  const watched = new WeakSet<Socket>();

  function start(socket: Socket, [request, response]: Exchange): void {
    response.once('close', () => startNext(socket));
    handler(request, response);
  }

  function startNext(socket: Socket): void {
    const busy = connections.get(socket);
    if (busy === undefined) return;
    clearTimeout(busy.paused);
    delete busy.paused;
    const next = busy.waiting.shift();
    if (next === undefined || socket.destroyed) {
      connections.delete(socket);
      return;
    }
    if (isFull(busy)) pause(socket, busy);
    else socket.resume();
    start(socket, next);
  }

  function wait(socket: Socket, busy: Busy, exchange: Exchange): void {
    busy.waiting.push(exchange);
    if (isFull(busy)) pause(socket, busy);
  }

  function pause(socket: Socket, busy: Busy): void {
    socket.pause();
    busy.paused ??= setTimeout(() => socket.destroy(), LONGEST_PAUSE_MS);
    if (watched.has(socket)) return;
    watched.add(socket);
    // Node goes on reading whenever a body was read.
    socket.on('resume', () => {
      if (isFull(connections.get(socket))) socket.pause();
    });
  }

  return (request, response) => {
    const { socket } = request;
    const busy = connections.get(socket);
    if (busy !== undefined) return wait(socket, busy, [request, response]);
    connections.set(socket, { waiting: [] });
    start(socket, [request, response]);
  };
}

const isFull = (busy: Busy | undefined): boolean => busy !== undefined && busy.waiting.length >= MOST_AHEAD;
