// HTTP as bytes, at both ends of the gateway: a client that says exactly what a test writes, and an upstream that shows
// exactly what arrived. No HTTP library between, as libraries repair what these tests are about.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import type { Answered } from '../../src/passthrough/exchange.ts';
import { createHomeserverPaths } from '../../src/passthrough/legacy-prefixes.ts';
import { SAME_PATHS } from '../../src/routes.ts';
import { passthrough } from '../../src/passthrough/pass-routes.ts';
import { createPassThrough } from '../../src/passthrough/passthrough.ts';
import type { PassThroughOptions } from '../../src/passthrough/passthrough.ts';
import { connectTo } from '../../src/homeserver/connections.ts';
import type { ConnectionLimits } from '../../src/homeserver/connections.ts';
import { installErrorHandler } from '../../src/http/error-handler.ts';
import { createServerOptions } from '../../src/http/limits.ts';
import type { ServerLimits } from '../../src/http/limits.ts';

/** An HTTP message as it was on the wire: one request at the upstream, or one answer at the client. */
export interface RawMessage {
  /** The first line. */
  start: string;
  /** In order, names as sent. */
  headers: [name: string, value: string][];
  /** Still chunked where it came chunked. */
  body: string;
}

/** The values of a header, in order, by its name in lower case. */
export function valuesOf(message: RawMessage, name: string): string[] {
  return message.headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
}

export const statusOf = (message: RawMessage): number => Number(message.start.split(' ')[1]);

/** Bytes that arrive at one end of a connection, taken piece by piece; bytes are characters (latin1). */
export class RawConnection {
  readonly socket: Socket;
  /** Resolves when the connection is closed: 'reset', or 'closed' where the other side ended it. */
  readonly closed: Promise<'closed' | 'reset'>;
  #received = '';
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    let end: 'closed' | 'reset' = 'closed';
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    socket.on('error', () => {
      end = 'reset';
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve(end);
      });
    });
  }

  write(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Takes the next message; its body by its own framing, or up to the connection's end. */
  async message(options: { isHead?: boolean } = {}): Promise<RawMessage> {
    const head = await this.take((text) => endOf(text, '\r\n\r\n'));
    const [start = '', ...lines] = head.slice(0, -4).split('\r\n');
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const message = { start, headers, body: '' };
    message.body = await this.#body(message, options.isHead ?? false);
    return message;
  }

  /** Takes what `endsAt` measures; rejects with what there is when the connection closes before. */
  async take(endsAt: (text: string) => number): Promise<string> {
    for (;;) {
      const end = endsAt(this.#received);
      if (end >= 0) {
        const taken = this.#received.slice(0, end);
        this.#received = this.#received.slice(end);
        return taken;
      }
      if (this.#isClosed) throw new Error(`closed after ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Everything up to the connection's end. */
  async rest(): Promise<string> {
    await this.closed;
    return this.take((text) => text.length);
  }

  async #body(message: RawMessage, isHead: boolean): Promise<string> {
    const [length] = valuesOf(message, 'content-length');
    if (isHead) return '';
    if (valuesOf(message, 'transfer-encoding').length > 0)
      return this.take((text) => endOf(text, '0\r\n\r\n'));
    if (length !== undefined)
      return this.take((text) => (text.length >= Number(length) ? Number(length) : -1));
    const isRequest = !message.start.startsWith('HTTP/');
    return isRequest || /^HTTP\/1\.. (?:1..|204|304)/.test(message.start) ? '' : this.rest();
  }
}

function endOf(text: string, mark: string): number {
  const at = text.indexOf(mark);
  return at === -1 ? -1 : at + mark.length;
}

/** A request that has arrived at the upstream, on its connection. */
export interface Arrival {
  request: RawMessage;
  connection: RawConnection;
}

export interface RawUpstream {
  url: string;
  /** How many requests have arrived. */
  count(): number;
  /** How many connections were ever made. */
  connections(): number;
  /** The next request that has arrived whole, in order. */
  arrival(): Promise<Arrival>;
  close(): Promise<void>;
}

/**
 * An upstream that captures requests. With `answer`, each is answered at once; without, the test answers on the arrival's
 * connection, or does worse.
 */
export async function startRawUpstream(answer?: string): Promise<RawUpstream> {
  const arrivals: Arrival[] = [];
  const waiting: ((arrival: Arrival) => void)[] = [];
  const sockets = new Set<Socket>();
  let count = 0;
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    void serve(new RawConnection(socket));
  });

  async function serve(connection: RawConnection): Promise<void> {
    try {
      for (;;) {
        const arrival = { request: await connection.message(), connection };
        count += 1;
        if (answer !== undefined) connection.write(answer);
        const waiter = waiting.shift();
        if (waiter === undefined) arrivals.push(arrival);
        else waiter(arrival);
      }
    } catch {
      // The connection is closed, in the midst of a request or not.
    }
  }

  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    count: () => count,
    connections: () => connections,
    arrival: () => {
      const arrival = arrivals.shift();
      return arrival === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(arrival);
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** An answer with a length, as the upstream writes it. */
export function okAnswer(body: string, headers = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export interface PassThroughServer {
  port: number;
  app: FastifyInstance;
  answered: Answered[];
  /** A new connection of a client. */
  connect(): Promise<RawConnection>;
  close(): Promise<void>;
}

/** The pass-through on a real server, put together as the app does it. */
export async function startPassThrough(
  homeserverUrl: string,
  options: Partial<PassThroughOptions> & {
    limits?: Partial<ServerLimits>;
    connect?: ConnectionLimits;
  } = {},
): Promise<PassThroughServer> {
  const passPaths = options.passPaths ?? ['/_matrix/', '/_synapse/client/', '/.well-known/matrix/'];
  const connections = connectTo(homeserverUrl, { passPaths, ...options.connect });
  const answered: Answered[] = [];
  const pass = createPassThrough({
    connections,
    passPaths,
    trustedProxies: [],
    deadlineMs: 60_000,
    answerIdleMs: 60_000,
    toHomeserverPath: createHomeserverPaths(SAME_PATHS),
    prefixesOf: () => ({ hasR0: true, hasV3: true }),
    hasAuthenticatedMedia: () => false,
    onAnswered: (one) => answered.push(one),
    ...options,
  });
  const app = Fastify(
    createServerOptions({
      frameworkErrors: (_error, request, reply) => pass(request, reply),
      ...(options.limits !== undefined && { limits: options.limits }),
    }),
  );
  installErrorHandler(app);
  await app.register(passthrough, { connections, passThrough: pass });
  await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  const { port } = app.server.address() as AddressInfo;
  const clients = new Set<Socket>();
  return {
    port,
    app,
    answered,
    connect: async () => {
      const socket = connect(port, '127.0.0.1');
      clients.add(socket);
      await once(socket, 'connect');
      return new RawConnection(socket);
    },
    close: async () => {
      for (const socket of clients) socket.destroy();
      await connections.destroy();
      await app.close();
    },
  };
}
