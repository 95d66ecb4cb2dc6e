// Answers of Hindsync's beside the homeserver's own, in live traffic: off the client's path, for a share of requests.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ClientResponse } from '../../http/client-response.ts';
import type { ComparedEndpoint } from '../comparable.ts';
import { compareWithOther, type AskOther, type ComparedAnswers } from './comparing.ts';
import type { Findings, Outcome } from './findings.ts';
import { watchLoad } from './load.ts';
import { placeOf } from './place.ts';
import {
  comparedAs,
  fromOf,
  isComparablePoll,
  toModernPrefix,
  toQuestion,
  type ComparedRequest,
} from './question.ts';
import { recordAnswer, type Recorded } from './recorder.ts';
import type { KeepSample } from './samples.ts';

export interface CompareModeOptions {
  /** Who answers the client; the other one is compared. */
  mode: 'shadow' | 'native';
  /** The share of the comparable requests that is compared, from 0 to 1. */
  share: number;
  findings: Findings;
  onCompared: (endpoint: ComparedEndpoint, outcome: Outcome) => void;
  keepSample: KeepSample | undefined;
  /** Passes the request to the homeserver's own endpoint. */
  passOn: (request: { raw: IncomingMessage }, reply: FastifyReply, rawUrl: string) => void;
  askNative: (request: ComparedRequest) => Promise<unknown>;
  askOurs: (request: ComparedRequest) => Promise<unknown>;
  /** Returns the user of the request, once either side has answered it. */
  userIdOf: (request: IncomingMessage) => string | undefined;
  /** Whether only Hindsync understands this token. */
  isOwnToken: (token: string) => boolean;
  /** `X-Forwarded-For` for the other side. */
  forwardedForOf: (request: IncomingMessage) => string | undefined;
  logger: Pick<Logger, 'warn'>;
  /** Returns a number from 0 to 1. */
  random?: () => number;
}

export interface CompareMode {
  /** Whether a request is compare mode's own question to Hindsync: answered as ever, neither counted nor compared. */
  isOwn(request: IncomingMessage): boolean;
  /** Looks at a request before it is answered, and may pass it on to the homeserver's own endpoint. */
  begins(label: string, request: FastifyRequest, reply: FastifyReply): void;
  stop(): void;
}

const OWN_HEADER = 'x-hindsync-compare';
const MOST_AT_ONCE = 2;

/** Builds compare mode; it looks at the load until it is stopped. */
export function createCompareMode(options: CompareModeOptions): CompareMode {
  return new LiveComparison(options);
}

class LiveComparison implements CompareMode {
  readonly #options: CompareModeOptions;
  readonly #secret = randomBytes(16).toString('hex');
  readonly #load = watchLoad();
  #running = 0;

  constructor(options: CompareModeOptions) {
    this.#options = options;
  }

  isOwn({ headers }: IncomingMessage): boolean {
    return headers[OWN_HEADER] === this.#secret;
  }

  begins(label: string, { raw }: FastifyRequest, reply: FastifyReply): void {
    const { mode, share, isOwnToken, passOn, random = Math.random } = this.#options;
    const endpoint = comparedAs(raw, label);
    if (endpoint === undefined) return;
    // What only Hindsync understands the homeserver cannot answer.
    const isNative = mode === 'native' && !isOwnToken(fromOf(raw));
    const response: ServerResponse = reply.raw;
    if ((mode === 'shadow' || isNative) && random() < share && response instanceof ClientResponse)
      recordAnswer(response, (recorded) => void this.#look(raw, endpoint, recorded));
    if (isNative) passOn({ raw }, reply, toModernPrefix(raw.url ?? ''));
  }

  stop(): void {
    this.#load.stop();
  }

  /** Called when the client has its answer. */
  async #look(request: IncomingMessage, endpoint: ComparedEndpoint, recorded: Recorded): Promise<void> {
    if (typeof recorded === 'string') return this.#note(endpoint, recorded);
    // Who compares everything wants to know, whatever it costs.
    const isTooBusy = this.#load.isBusy && this.#options.share < 1;
    if (this.#running >= MOST_AT_ONCE || isTooBusy) return this.#note(endpoint, 'given up');
    this.#running += 1;
    try {
      await this.#compare(request, endpoint, recorded.json);
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'compare mode failed');
      this.#note(endpoint, 'failed');
    } finally {
      this.#running -= 1;
    }
  }

  async #compare(request: IncomingMessage, endpoint: ComparedEndpoint, answer: unknown): Promise<void> {
    const { mode, isOwnToken, forwardedForOf, userIdOf, keepSample } = this.#options;
    if (endpoint === 'events' && !isComparablePoll(request, answer, isOwnToken))
      return this.#note(endpoint, 'not comparable');
    const { rawUrl, headers } = toQuestion(request, forwardedForOf(request));
    const answeredBy = mode === 'shadow' ? 'ours' : 'native';
    const result = await compareWithOther(
      { endpoint, rawUrl, answeredBy, answer, userIdOf: () => userIdOf(request) ?? '' },
      this.#askOther(headers),
    );
    if (result === undefined) return this.#note(endpoint, 'failed');
    this.#report(endpoint, result);
    if (result.unnamed.length > 0) await keepSample?.(endpoint, result);
  }

  #askOther(headers: ComparedRequest['headers']): AskOther {
    const { mode, askNative, askOurs } = this.#options;
    if (mode === 'shadow') return (rawUrl) => askNative({ rawUrl, headers });
    return (rawUrl) => askOurs({ rawUrl, headers: { ...headers, [OWN_HEADER]: this.#secret } });
  }

  /** Each place goes into the log once. */
  #report(endpoint: ComparedEndpoint, { unnamed }: ComparedAnswers): void {
    const { findings, onCompared, logger } = this.#options;
    const known = new Set(findings.differences.map(({ place }) => place));
    const outcome = unnamed.length === 0 ? 'same' : 'different';
    findings.note(endpoint, outcome, unnamed);
    onCompared(endpoint, outcome);
    for (const place of new Set(unnamed.map(placeOf)))
      if (!known.has(place)) logger.warn({ endpoint, place }, 'an answer differs from the homeserver’s own');
  }

  #note(endpoint: ComparedEndpoint, outcome: Outcome): void {
    this.#options.findings.note(endpoint, outcome);
    this.#options.onCompared(endpoint, outcome);
  }
}
