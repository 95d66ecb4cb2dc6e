// Answers of Hindsync's beside the homeserver's own, in live traffic: off the client's path, for a share of requests.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ClientResponse } from '../../http/client-response.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import { takeQueryToken } from '../../passthrough/query-token.ts';
import type { ComparedEndpoint } from '../comparable.ts';
import { compareWithOther, type AskOther } from './comparing.ts';
import type { Findings, Outcome } from './findings.ts';
import { placeOf } from './place.ts';
import { recordAnswer, type Recorded } from './recorder.ts';
import type { KeepSample } from './samples.ts';

/** A question to either side. */
export interface ComparedRequest {
  rawUrl: string;
  headers: Readonly<Record<string, string>>;
}

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

const COMPARED: Readonly<Record<string, ComparedEndpoint | undefined>> = {
  'initial-sync': 'initialSync',
  'room-initial-sync': 'roomInitialSync',
  event: 'event',
  events: 'events',
  'peek-events': 'events',
};
const OWN_HEADER = 'x-hindsync-compare';
/** Old prefixes whose endpoints homeservers may no longer have there. */
const OLD_PREFIX = /^\/_matrix\/client\/(?:api\/v1|v2_alpha|r0|v1|unstable)\//;
const MOST_AT_ONCE = 2;
const LOOK_EVERY_MS: Milliseconds = 1000;
/** Above which share of its time the process has no business to compare. */
const BUSY = 0.7;

/** Builds compare mode. */
export function createCompareMode(options: CompareModeOptions): CompareMode {
  const { mode, share, findings, onCompared, logger, random = Math.random } = options;
  const secret = randomBytes(16).toString('hex');
  let running = 0;
  let isBusy = false;
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    isBusy = performance.eventLoopUtilization(now, before).utilization > BUSY;
    before = now;
  }, LOOK_EVERY_MS);
  timer.unref();

  function note(endpoint: ComparedEndpoint, outcome: Outcome): void {
    findings.note(endpoint, outcome);
    onCompared(endpoint, outcome);
  }

  /** After the client has its answer. */
  async function look(
    request: IncomingMessage,
    endpoint: ComparedEndpoint,
    recorded: Recorded,
  ): Promise<void> {
    if (typeof recorded === 'string') return note(endpoint, recorded);
    // Who compares everything wants to know, whatever it costs.
    if (running >= MOST_AT_ONCE || (isBusy && share < 1)) return note(endpoint, 'given up');
    running += 1;
    try {
      await compareOne(request, endpoint, recorded.json);
    } catch (error) {
      logger.warn({ err: error }, 'compare mode failed');
      note(endpoint, 'failed');
    } finally {
      running -= 1;
    }
  }

  async function compareOne(
    request: IncomingMessage,
    endpoint: ComparedEndpoint,
    answer: unknown,
  ): Promise<void> {
    if (endpoint === 'events' && !isComparablePoll(request, answer, options.isOwnToken))
      return note(endpoint, 'not comparable');
    const { rawUrl, headers } = toQuestion(request, options.forwardedForOf(request));
    const askOther: AskOther =
      mode === 'shadow'
        ? (url) => options.askNative({ rawUrl: url, headers })
        : (url) => options.askOurs({ rawUrl: url, headers: { ...headers, [OWN_HEADER]: secret } });
    const answeredBy = mode === 'shadow' ? 'ours' : 'native';
    const result = await compareWithOther(
      { endpoint, rawUrl, answeredBy, answer, userIdOf: () => options.userIdOf(request) ?? '' },
      askOther,
    );
    if (result === undefined) return note(endpoint, 'failed');
    const { unnamed } = result;
    const outcome = unnamed.length === 0 ? 'same' : 'different';
    const known = new Set(findings.differences.map(({ place }) => place));
    findings.note(endpoint, outcome, unnamed);
    onCompared(endpoint, outcome);
    if (unnamed.length === 0) return;
    const places = new Set(unnamed.map(placeOf));
    for (const place of places)
      if (!known.has(place)) logger.warn({ endpoint, place }, 'an answer differs from the homeserver’s own');
    await options.keepSample?.(endpoint, result);
  }

  function comparedAs(request: IncomingMessage, label: string): ComparedEndpoint | undefined {
    return request.method === 'GET' ? COMPARED[label] : undefined;
  }

  return {
    isOwn: ({ headers }) => headers[OWN_HEADER] === secret,
    begins: (label, { raw }, reply) => {
      const endpoint = comparedAs(raw, label);
      if (endpoint === undefined) return;
      const isNative = mode === 'native' && !options.isOwnToken(fromOf(raw));
      const response: ServerResponse = reply.raw;
      if ((mode === 'shadow' || isNative) && random() < share && response instanceof ClientResponse)
        recordAnswer(response, (recorded) => void look(raw, endpoint, recorded));
      if (isNative) options.passOn({ raw }, reply, toModernPrefix(raw.url ?? ''));
    },
    stop: () => clearInterval(timer),
  };
}

/** Moves a URL under the prefix where every homeserver that has the endpoint has it. */
const toModernPrefix = (rawUrl: string): string => rawUrl.replace(OLD_PREFIX, '/_matrix/client/v3/');

function toQuestion(request: IncomingMessage, forwardedFor: string | undefined): ComparedRequest {
  const { rawUrl, accessToken } = takeQueryToken(request.url ?? '');
  const { authorization, 'user-agent': userAgent, host } = request.headers;
  const asked = accessToken === undefined ? authorization : `Bearer ${accessToken}`;
  return {
    rawUrl: toModernPrefix(rawUrl),
    headers: {
      ...(asked !== undefined && { authorization: asked }),
      ...(userAgent !== undefined && { 'user-agent': userAgent }),
      ...(host !== undefined && { host }),
      ...(forwardedFor !== undefined && { 'x-forwarded-for': forwardedFor }),
    },
  };
}

const fromOf = ({ url = '' }: IncomingMessage): string =>
  new URLSearchParams(url.split('?', 2)[1] ?? '').get('from') ?? '';

/** A poll that begins now has no interval that could be asked for again, and a token of ours is nobody else's. */
function isComparablePoll(
  request: IncomingMessage,
  answer: unknown,
  isOwnToken: (token: string) => boolean,
): boolean {
  const from = fromOf(request);
  const { end } = (answer ?? {}) as { end?: unknown };
  return from !== '' && from !== 'END' && !isOwnToken(from) && typeof end === 'string' && !isOwnToken(end);
}
