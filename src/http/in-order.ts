import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

type Exchange = [request: IncomingMessage, response: ServerResponse];

interface Connection {
  /** Whether one of the connection's requests is being answered. */
  isBusy: boolean;
  /** The requests that came behind that one, in order. */
  waiting: Exchange[];
  /** The timer that watches the connection while nothing is read from it. */
  paused: NodeJS.Timeout | undefined;
  isWatched: boolean;
}

/**
 * So many requests are read ahead on a connection. With fewer, a client that has left is noticed later, as nothing is
 * read.
 */
const MOST_AHEAD = 16;

/** How often a connection that is not read is asked whether its client has reset it. */
const LOOK_MS = 1000;

/** How often it is asked until it is closed, as its client may have left without a reset: a minute. */
const MOST_LOOKS = 60;

/**
 * Handles the requests of one connection one after the other, as front proxies do: a pipelined one is begun when the one
 * before is answered. From sixteen that wait on, nothing more is read from the connection; with what came along in the same
 * piece (64 KB at most) nothing is done either.
 *
 * Else one client would have as many requests at the homeserver as it can write lines, and their answers would wait in memory.
 */
export function oneAtATime(handler: RequestListener): RequestListener {
  const connections = new WeakMap<Socket, Connection>();

  function start(socket: Socket, connection: Connection, [request, response]: Exchange): void {
    response.on('close', () => startNext(socket, connection));
    handler(request, response);
  }

  function startNext(socket: Socket, connection: Connection): void {
    clearInterval(connection.paused);
    connection.paused = undefined;
    const next = socket.destroyed ? undefined : connection.waiting.shift();
    if (next === undefined) {
      connection.isBusy = false;
      return;
    }
    if (isFull(connection)) pause(socket, connection);
    else socket.resume();
    start(socket, connection, next);
  }

  function pause(socket: Socket, connection: Connection): void {
    socket.pause();
    connection.paused ??= watchUnread(socket);
    if (connection.isWatched) return;
    connection.isWatched = true;
    // Node goes on reading whenever a body was read.
    socket.on('resume', () => {
      if (isFull(connection)) socket.pause();
    });
  }

  function connectionOf(socket: Socket): Connection {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const connection = { isBusy: false, waiting: [], paused: undefined, isWatched: false };
    connections.set(socket, connection);
    return connection;
  }

  return (request, response) => {
    const { socket } = request;
    const connection = connectionOf(socket);
    if (!connection.isBusy) {
      connection.isBusy = true;
      start(socket, connection, [request, response]);
      return;
    }
    connection.waiting.push([request, response]);
    if (isFull(connection)) pause(socket, connection);
  };
}

/**
 * Closes a connection that is not read when its client has reset it, at most a second later, or else after a minute.
 *
 * The kernel tells of a reset whoever reads or writes. A write of no bytes sends nothing and fails after a reset. Where bytes
 * of an answer wait, the kernel tells by itself, and a write would begin the time of `cutStalledReaders` anew.
 */
function watchUnread(socket: Socket): NodeJS.Timeout {
  let looks = 0;
  const timer = setInterval(() => {
    looks += 1;
    if (socket.destroyed) clearInterval(timer);
    else if (looks === MOST_LOOKS) socket.destroy();
    else if (socket.writableLength === 0) socket.write('');
  }, LOOK_MS);
  return timer;
}

const isFull = ({ waiting }: Connection): boolean => waiting.length >= MOST_AHEAD;
