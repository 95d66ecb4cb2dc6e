// One call of ours to the homeserver, over HTTP: how it is sent, how long it may take, and how its answer is read.

import type { Dispatcher } from 'undici';
import type { JsonObject } from '../matrix/client-event.ts';
import { HomeserverError, HomeserverUnavailable } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { loopBudget } from '../scheduling/loop-budget.ts';
import { parseExactly } from '../stream/exact-json.ts';
import { chunksOf } from './body-chunks.ts';
import type { Connections } from './connections.ts';
import type { Caller, CallName, Nobody, PlainRequest } from './homeserver.ts';
import { AnswerTooLarge, AnswerTooLate, explainNetworkError, isStatus, OddStatus } from './network-errors.ts';
import { readWholeAnswer, type WholeAnswer } from './whole-answer.ts';

export interface HttpCallOptions {
  connections: Connections;
  /** For the whole answer of an ordinary call. */
  callDeadlineMs: Milliseconds;
  /** How long the homeserver may send nothing in the midst of an answer that is read as it comes. */
  answerIdleMs: Milliseconds;
  /** The largest answer that is parsed whole, in bytes. */
  maxAnswerBytes?: number;
  /** Told of each finished call: its name in the port, how long it took, and the status (0 without an answer). */
  onCall?: (name: CallName, durationMs: Milliseconds, status: number) => void;
  /** Told of each call that got no answer which can be used. */
  onFailure?: (error: HomeserverUnavailable) => void;
  /**
   * Told of what does not go with what is known of the homeserver: it has not what it was asked for, or could not be
   * reached.
   */
  onContradiction?: () => void;
}

export interface Call {
  name: CallName;
  /** With its prefix. */
  path: string;
  query?: Readonly<Record<string, string | number | undefined>> | URLSearchParams;
  /** GET, or POST where there is a body. */
  method?: PlainRequest['method'];
  /** JSON, or its text. */
  body?: JsonObject | Buffer;
  caller?: Caller | Nobody;
  pool?: 'longPolls' | 'rest';
  /** As an ordinary call's, where it is not given. */
  deadlineMs?: Milliseconds;
  /** Of a poll: how long the homeserver may wait with all of its answer. */
  pollMs?: Milliseconds;
  signal: AbortSignal | undefined;
}

/** The ways to read an answer. All throw the homeserver's own error for what is no success. */
export interface HttpCalls {
  /** A small answer, parsed. */
  json<Answer>(call: Call): Promise<Answer>;
  /** One event, or what is as small, as bytes. */
  bytes(call: Call): Promise<Buffer>;
  /** The answer whole, up to `mostBytes`, given to `read`. */
  whole<Answer>(call: Call, read: (body: Buffer) => Answer, mostBytes?: number): Promise<Answer>;
  /** An answer of any size: once the head is there, whoever reads the body sets the pace. */
  chunks(call: Call): Promise<AsyncIterable<Buffer>>;
}

/** To parse so much takes at most 60 ms, whatever is in it; what is parsed has some hundred bytes. */
const MOST_PARSED_BYTES = 1024 * 1024;
/** These may be as long as a list of a hundred thousand joined rooms, which takes 35 ms. */
const LONG_ANSWERS: ReadonlySet<CallName> = new Set(['joinedRooms', 'request']);
const MOST_LONG_BYTES = 8 * 1024 * 1024;
/** One event or what is as small, as bytes; as much as a `JsonReader` takes of one value. */
const MOST_VALUE_BYTES = 16 * 1024 * 1024;
/** A Matrix error has a few hundred bytes, a proxy's error page some thousands. */
const ERROR_BODY_LIMIT = 64 * 1024;

/** Builds the calls: each is one request, and none is ever repeated. */
export function createHttpCalls(options: HttpCallOptions): HttpCalls {
  const maxAnswerBytes = options.maxAnswerBytes ?? 256 * 1024 * 1024;
  const deadlineOf = ({ deadlineMs }: Call): Milliseconds => deadlineMs ?? options.callDeadlineMs;
  const poolOf = (call: Call): Dispatcher => options.connections.own[call.pool ?? 'rest'];

  const requestOf = (call: Call): Dispatcher.DispatchOptions => ({
    method: call.method ?? (call.body === undefined ? 'GET' : 'POST'),
    path: pathOf(call),
    headers: headersOf(call, options.connections.hostFor(call.caller?.host)),
    ...(call.body !== undefined && { body: textOf(call.body) }),
  });

  /** What went wrong → what the client is told; told to `onFailure` where nobody left. */
  function explain(error: unknown, client: AbortSignal | undefined): unknown {
    if (client?.aborted === true) return client.reason;
    const answer = explainNetworkError(error);
    if (answer instanceof HomeserverUnavailable) options.onFailure?.(answer);
    return answer;
  }

  /** What is thrown for a call, after it was looked at. */
  function explainCall(error: unknown, call: Call): unknown {
    const thrown = explain(error, call.signal);
    if (contradicts(thrown) && !ASKED_IN_VAIN.has(call.name)) options.onContradiction?.();
    return thrown;
  }

  /** Sends the request; resolves with a 2xx answer whose body is still to be read. */
  async function open(call: Call): Promise<{ answer: Dispatcher.ResponseData; deadline: Deadline }> {
    const deadline = startDeadline(deadlineOf(call), call.signal);
    const startedAt = performance.now();
    let status = 0;
    try {
      const answer = await poolOf(call).request({
        ...requestOf(call),
        // A poll's answer may begin long before it goes on.
        bodyTimeout: options.answerIdleMs + (call.pollMs ?? 0),
        signal: deadline.signal,
      });
      status = answer.statusCode;
      if (!isStatus(status)) {
        answer.body.on('error', () => {}).destroy();
        throw new OddStatus();
      }
      if (status >= 300)
        refuseBadStatus({ status, headers: answer.headers, body: await readBody(answer.body) });
      return { answer, deadline };
    } catch (error) {
      deadline.clear();
      throw explainCall(deadline.hasPassed() ? new AnswerTooLate() : error, call);
    } finally {
      options.onCall?.(call.name, performance.now() - startedAt, status);
    }
  }

  async function whole<Answer>(
    call: Call,
    read: (body: Buffer) => Answer,
    limit = maxAnswerBytes,
  ): Promise<Answer> {
    const startedAt = performance.now();
    let status = 0;
    try {
      const limits = {
        deadlineMs: deadlineOf(call),
        signal: call.signal,
        limit: Math.min(limit, maxAnswerBytes),
      };
      const answer = await readWholeAnswer(poolOf(call), requestOf(call), limits);
      ({ status } = answer);
      refuseBadStatus(answer);
      const turn = loopBudget.turnFor(answer.body.length);
      if (turn !== undefined) await turn;
      return read(answer.body);
    } catch (error) {
      throw explainCall(error, call);
    } finally {
      options.onCall?.(call.name, performance.now() - startedAt, status);
    }
  }

  async function chunks(call: Call): Promise<AsyncIterable<Buffer>> {
    const { answer, deadline } = await open(call);
    deadline.clear();
    return explained(chunksOf(answer.body), (error) => explain(error, call.signal));
  }

  return {
    json: <Answer>(call: Call) => {
      const mostBytes = LONG_ANSWERS.has(call.name) ? MOST_LONG_BYTES : MOST_PARSED_BYTES;
      return whole(call, (body) => parseObject(body) as Answer, mostBytes);
    },
    bytes: (call) => whole(call, (body) => body, MOST_VALUE_BYTES),
    whole,
    chunks,
  };
}

const textOf = (body: JsonObject | Buffer): string | Buffer =>
  Buffer.isBuffer(body) ? body : JSON.stringify(body);

function pathOf({ path, query = {}, caller }: Call): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of query instanceof URLSearchParams ? query : Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  const { userId, deviceId } = (caller !== undefined && 'masquerade' in caller && caller.masquerade) || {};
  if (userId !== undefined) parameters.set('user_id', userId);
  if (deviceId !== undefined) parameters.set('device_id', deviceId);
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}

function headersOf({ caller, body }: Call, host: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    // An encoding that comes all the same is understood, but costs more than it saves over so short a way.
    'accept-encoding': 'identity',
    ...(host !== undefined && { host }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(caller !== undefined && 'accessToken' in caller && { authorization: `Bearer ${caller.accessToken}` }),
    ...(caller?.userAgent !== undefined && { 'user-agent': caller.userAgent }),
    ...(caller?.forwardedFor !== undefined && { 'x-forwarded-for': caller.forwardedFor }),
    ...(caller?.forwardedProto !== undefined && { 'x-forwarded-proto': caller.forwardedProto }),
  };
}

/** What many homeservers do not have, and what asks what they are: their want of it says nothing. */
const ASKED_IN_VAIN: ReadonlySet<CallName> = new Set(['roomSummary', 'serverName', 'versions']);

function contradicts(error: unknown): boolean {
  return (
    error instanceof HomeserverUnavailable ||
    (error instanceof HomeserverError && (error.errcode === 'M_UNRECOGNIZED' || error.status >= 502))
  );
}

/** A deadline and the client's own signal, joined; `clear` when the answer is there, so that no timer outlives it. */
interface Deadline {
  signal: AbortSignal;
  hasPassed(): boolean;
  clear(): void;
}

function startDeadline(durationMs: Milliseconds, client: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), durationMs);
  return {
    signal: client === undefined ? controller.signal : AbortSignal.any([client, controller.signal]),
    hasPassed: () => controller.signal.aborted,
    clear: () => clearTimeout(timer),
  };
}

/** Throws the homeserver's own error, or ours for a redirect: none is ever followed. */
function refuseBadStatus({ status, headers: received, body }: WholeAnswer): void {
  if (status < 300) return;
  if (status < 400)
    throw new HomeserverUnavailable(502, 'The homeserver answered with a redirect, which is not followed');
  const headers: Record<string, string> = {};
  for (const name of ['content-type', 'retry-after']) {
    const value = received[name];
    if (typeof value === 'string') headers[name] = value;
  }
  throw new HomeserverError(status, body, headers);
}

/** The body of an answer that is no success. */
async function readBody(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > ERROR_BODY_LIMIT) throw new AnswerTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The same chunks; what goes wrong between them is said as for any call. */
async function* explained(
  chunks: AsyncIterable<Buffer>,
  explain: (error: unknown) => unknown,
): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    throw explain(error);
  }
}

function parseObject(body: Buffer): object {
  let value: unknown;
  try {
    value = parseExactly(body.toString());
  } catch (error) {
    throw new HomeserverUnavailable(502, "The homeserver's answer is not JSON", { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HomeserverUnavailable(502, "The homeserver's answer is not a JSON object");
  }
  return value;
}
