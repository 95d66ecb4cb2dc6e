// Old media for clients that show no access token, on an account of the gateway's own: only where an operator opens it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { compile } from '@fastify/proxy-addr';
import type { Dispatcher } from 'undici';
import { readMasquerade } from '../http/access-token.ts';
import { createClientAddressReader } from './client-address.ts';
import { writeError } from '../http/error-handler.ts';
import type { Peer } from '../http/forwarded.ts';
import { toAuthenticatedMedia } from './legacy-media.ts';
import { queryOf } from '../http/query.ts';
import { MatrixError } from '../matrix/errors.ts';
import { Exchange, type Exchanging } from './exchange.ts';

export interface OpenedMediaOptions {
  /** The service account's. It goes to the homeserver's authenticated media and nowhere else. */
  accessToken: string;
  /** Addresses or networks of the clients that may use it. */
  networks: readonly string[];
  trustedProxies: readonly string[];
  /** Is told once of each status, 401 and 403, with which the homeserver refuses the service account. */
  onRefused(status: number): void;
}

/** The request that is sent instead of one that was opened, and the handler of its answer. */
export interface OpenedRequest {
  rawUrl: string;
  accessToken: string;
  exchange(response: ServerResponse, how: Exchanging): Exchange;
}

/**
 * A request without an access token → the same at the homeserver's authenticated media; undefined where it is none of
 * old media (exactly what `toAuthenticatedMedia` knows), or its client is not listed.
 *
 * Ask it only of a homeserver that has authenticated media. `rawUrl` has no dot segments and no `access_token`.
 */
export type OpenMedia = (request: IncomingMessage, peer: Peer, rawUrl: string) => OpenedRequest | undefined;

export function createOpenMedia(options: OpenedMediaOptions): OpenMedia {
  const { accessToken, onRefused } = options;
  const isListed = compile([...options.networks]);
  const clientAddressOf = createClientAddressReader(options.trustedProxies);
  const said = new Set<number>();
  const sayOnce = (status: number): void => {
    if (said.has(status)) return;
    said.add(status);
    onRefused(status);
  };

  return (request, peer, rawUrl) => {
    const mediaUrl = toAuthenticatedMedia(request.method ?? 'GET', rawUrl);
    if (mediaUrl === rawUrl) return undefined;
    const address = clientAddressOf(request, peer);
    if (address === undefined || !isListed(address, 0)) return undefined;
    // Where the account is an application service's, its client would choose as whom to ask.
    if (readMasquerade(queryOf({ raw: { url: mediaUrl } })) !== undefined) return undefined;
    return {
      rawUrl: mediaUrl,
      accessToken,
      exchange: (response, how) => new OpenedExchange(response, how, sayOnce),
    };
  };
}

/**
 * An exchange on the service account. Nobody learns a session from it, no cache between may keep the answer, and what
 * the homeserver refuses to the account (401, 403) is media that the client does not find: its own session, if it has
 * one, is not what died.
 */
class OpenedExchange extends Exchange {
  readonly #response: ServerResponse;
  readonly #onRefused: (status: number) => void;
  #isRefused = false;

  constructor(response: ServerResponse, how: Exchanging, onRefused: (status: number) => void) {
    super({ method: '', rawUrl: '', headers: [] }, response, { ...how, onAnswered: undefined });
    this.#response = response;
    this.#onRefused = onRefused;
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: unknown,
    text?: string,
  ): void {
    this.#isRefused = status === 401 || status === 403;
    if (this.#isRefused) return this.#onRefused(status);
    controller.rawHeaders = toPrivate(controller.rawHeaders as Buffer[]);
    return super.onResponseStart(controller, status, headers, text);
  }

  override onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isRefused) super.onResponseData(controller, chunk);
  }

  override onResponseEnd(): void {
    if (this.#isRefused) writeError(this.#response, new MatrixError(404, 'M_NOT_FOUND', 'Not found'));
    else super.onResponseEnd();
  }
}

/** Raw headers of an answer → the same, for the client's own cache alone, for as long as the homeserver allows. */
function toPrivate(rawHeaders: readonly Buffer[]): Buffer[] {
  const kept: Buffer[] = [];
  let given = '';
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = EMPTY, value = EMPTY] = rawHeaders.slice(i, i + 2);
    if (name.toString('latin1').toLowerCase() === 'cache-control') given += `,${value.toString('latin1')}`;
    else kept.push(name, value);
  }
  const directives = given.split(',').map((directive) => directive.trim());
  const own = directives.filter((directive) => directive !== '' && !FOR_SHARED_CACHES.test(directive));
  return [...kept, Buffer.from('Cache-Control'), Buffer.from(['private', ...own].join(', '), 'latin1')];
}

const EMPTY = Buffer.alloc(0);
const FOR_SHARED_CACHES = /^(?:public|private|s-maxage|proxy-revalidate)\b/i;
