// A homeserver without api/v1 that answers what a test says, over HTTP, and remembers what it was asked.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Answer {
  status?: number;
  json: unknown;
}

export interface JsonUpstream {
  url: string;
  /** Without `versions` and `whoami`, which are always answered. */
  received: Received[];
  /** `METHOD path` (below /_matrix/client/v3/, without query) → an answer, one for each time, or the last again. */
  answers: Record<string, Answer[]>;
  /** Who everybody is. */
  whoami: object;
  /** Called when a request has come, before it is answered. */
  onRequest: (request: Received, response: ServerResponse) => void | Promise<void>;
  close(): Promise<void>;
}

export async function startJsonUpstream(): Promise<JsonUpstream> {
  const upstream: JsonUpstream = {
    url: '',
    received: [],
    answers: {},
    whoami: { user_id: '@me:test', device_id: 'D' },
    onRequest: () => {},
    close,
  };
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { method = '', url = '', headers } = request;
    const path = url.split('?', 1)[0]?.replace('/_matrix/client/v3/', '') ?? '';
    if (url === '/_matrix/client/versions') return send(response, { json: { versions: ['v1.11'] } });
    // What the gateway asks for itself.
    if (url.startsWith('/_matrix/federation/')) return send(response, { json: {} });
    if (path === 'account/whoami') return send(response, { json: upstream.whoami });
    const received = { method, url, headers, body };
    upstream.received.push(received);
    await upstream.onRequest(received, response);
    const answers = upstream.answers[`${method} ${path}`] ?? [];
    const next = answers.length > 1 ? answers.shift() : answers[0];
    return send(
      response,
      next ?? { status: 404, json: { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized' } },
    );
  }

  function send(response: ServerResponse, { status = 200, json }: Answer): void {
    if (response.destroyed) return;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof json === 'string' ? json : JSON.stringify(json));
  }

  async function close(): Promise<void> {
    const closed = once(server.close(), 'close');
    server.closeAllConnections();
    await closed;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return upstream;
}
