import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connections } from '../homeserver/connections.ts';
import type { OutgoingRequest } from '../homeserver/homeserver-pool.ts';
import { createClientAddressReader } from './client-address.ts';
import { writeError } from '../http/error-handler.ts';
import { createPeerLookup } from '../http/forwarded.ts';
import type { Peer } from '../http/forwarded.ts';
import { isBelow, isLongPoll, pathOf } from '../http/raw-url.ts';
import { unrecognized } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { Exchange } from './exchange.ts';
import type { Answered, Exchanging } from './exchange.ts';
import { FilledExchange, type BodyFiller } from './filled-answer.ts';
import { toChangedHeaders, toHomeserverHeaders } from './headers.ts';
import { toHomeserverRequest, type Rewriting } from './rewritten-url.ts';
import { uploadOf } from './upload.ts';

export interface PassThroughOptions extends Rewriting {
  connections: Connections;
  /** Prefixes of raw paths that may pass; the rest is 404. */
  passPaths: readonly string[];
  /** The proxies whose `X-Forwarded-*` headers are believed. */
  trustedProxies: readonly string[];
  /** How long the head of an answer may take, once the request was sent; long polls have no such deadline. */
  deadlineMs: Milliseconds;
  /** How long the homeserver may send nothing in the midst of an answer, while the client would take more. */
  answerIdleMs: Milliseconds;
  /** Is told of every answer of the homeserver, at its head, and of a 502 or 504 for want of one. */
  onAnswered?(answered: Answered): void;
  /** Is told what undici says where the homeserver did not answer, or not whole. */
  onFailure?(error: Error, isCut: boolean): void;
}

/** The part of Fastify's request and reply that is used, also where its router refused the request. */
type Raw<Message> = { readonly raw: Message };
type Reply = Raw<ServerResponse> & { hijack(): unknown };

/** Says what of a request or its answer is not passed on as it came. */
export interface Changed {
  rawUrl?: string;
  /** A JSON text instead of the body, which was read. */
  body?: Buffer;
  /** Changes the body of an answer with status 200. */
  filler?: BodyFiller;
}

/** Passes a request on, as it is or changed, and answers it. Never throws. */
export type PassThrough = (request: Raw<IncomingMessage>, reply: Reply, changed?: Changed) => void;

/**
 * Builds the pass-through: everything that is not answered here goes to the homeserver as it came, and comes back so.
 *
 * What changes: the access token moves from query to header, the old prefixes become what the homeserver has, old media
 * of who has an access token are asked for at their new place, hop-by-hop headers stop, X-Forwarded-* are ours. One
 * request up for one down: nothing is ever sent twice. undici looks for the homeserver's goodbye before it uses an idle
 * connection again, so that a stale one is replaced, not retried; a connection that closes while a request is on its way
 * is a 502, as the homeserver may have acted on it.
 *
 * @see docs/reference/safety.md#measured-on-this-stack
 */
export function createPassThrough(options: PassThroughOptions): PassThrough {
  const peerOf = createPeerLookup(options.trustedProxies);
  const clientAddressOf = createClientAddressReader(options.trustedProxies);
  const { onAnswered, onFailure } = options;
  const exchange: Exchanging = { headDeadlineMs: options.deadlineMs, onAnswered, onFailure };
  const pollExchange: Exchanging = { ...exchange, headDeadlineMs: 0 };

  /** The client's address, as far as it is known; that of the proxy whose word is not taken. */
  function sharerOf(request: IncomingMessage, peer: Peer): string {
    const isTold = peer.isTrusted && request.headers['x-forwarded-for'] !== undefined;
    return (isTold ? clientAddressOf(request, peer) : undefined) ?? peer.address ?? 'unknown';
  }

  return (request, reply, changed) => {
    reply.hijack();
    try {
      send(request.raw, reply.raw, changed ?? {});
    } catch (error) {
      writeError(reply.raw, error);
    }
  };

  function send(request: IncomingMessage, response: ServerResponse, changed: Changed): void {
    const { method = 'GET' } = request;
    const receivedUrl = changed.rawUrl ?? request.url ?? '';
    const receivedPath = pathOf(receivedUrl);
    if (!isBelow(options.passPaths, receivedPath)) throw unrecognized();

    const peer = peerOf(request.socket);
    const { rawUrl, accessToken, opened } = toHomeserverRequest(request, peer, receivedUrl, options);
    const { connections, deadlineMs, answerIdleMs } = options;
    const headers = toChangedHeaders(
      toHomeserverHeaders(request, peer, connections.hostFor, accessToken),
      changed,
    );
    const isPoll = isLongPoll(receivedPath);
    const how = isPoll ? pollExchange : exchange;
    const handler =
      opened?.exchange(response, how) ??
      createExchange({ method, rawUrl, headers }, response, how, changed.filler);
    const outgoing: OutgoingRequest = {
      method,
      path: rawUrl,
      headers,
      body: changed.body ?? uploadOf(request) ?? null,
      headersTimeout: isPoll ? 0 : deadlineMs,
      // A poll's answer may begin long before it goes on.
      bodyTimeout: answerIdleMs + (isPoll ? readTimeout(rawUrl) : 0),
      sharer: sharerOf(request, peer),
      // Opened media have one account's token for everybody.
      session: opened === undefined ? (accessToken ?? request.headers.authorization) : undefined,
    };
    (isPoll ? connections.longPolls : connections.rest).dispatch(outgoing, handler);
  }
}

function createExchange(
  sent: Omit<Answered, 'status'>,
  response: ServerResponse,
  how: Exchanging,
  filler: BodyFiller | undefined,
): Exchange {
  if (filler === undefined) return new Exchange(sent, response, how);
  return new FilledExchange(sent, response, filler, how);
}

/** Reads how long a poll's client is ready to wait for its answer, at most an hour; 0 where it does not say. */
function readTimeout(rawUrl: string): Milliseconds {
  const timeoutMs = Number(/[?&]timeout=(\d{1,9})/.exec(rawUrl)?.[1] ?? 0);
  return Math.min(timeoutMs, 3_600_000);
}
