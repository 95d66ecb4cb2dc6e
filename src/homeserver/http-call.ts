// One call of ours to the homeserver, over HTTP: how it is sent, how long it may take, and how its answer is read.

import type { Dispatcher } from 'undici';
import { HomeserverUnavailable } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { loopBudget } from '../scheduling/loop-budget.ts';
import { chunksOf, explained } from './body-chunks.ts';
import type { Connections } from './connections.ts';
import type { CallName } from './homeserver.ts';
import { toRequest, type Call } from './http-request.ts';
import { contradicts } from './contradiction.ts';
import { startDeadline, type Deadline } from './deadline.ts';
import { AnswerTooLate, explainNetworkError, isStatus, OddStatus } from './network-errors.ts';
import { parseObject, readErrorBody, refuseBadStatus } from './read-answer.ts';
import { readWholeAnswer } from './whole-answer.ts';

export interface HttpCallOptions {
  connections: Connections;
  /** How long the whole answer of an ordinary call may take. */
  callDeadlineMs: Milliseconds;
  /** How long the homeserver may send nothing in the midst of an answer that is read as it comes. */
  answerIdleMs: Milliseconds;
  /** The largest answer that is parsed whole, in bytes. */
  maxAnswerBytes?: number;
  /** Is told of each finished call: its name in the port, how long it took, and the status (0 without an answer). */
  onCall?: (name: CallName, durationMs: Milliseconds, status: number) => void;
  /** Is told of each call that got no answer which can be used. */
  onFailure?: (error: HomeserverUnavailable) => void;
  /**
   * Is told where an answer contradicts what is known of the homeserver: it has not what it was asked for, or could
   * not be reached.
   */
  onContradiction?: () => void;
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
/** Builds the calls: each is one request, and none is ever repeated. */
export function createHttpCalls(options: HttpCallOptions): HttpCalls {
  const maxAnswerBytes = options.maxAnswerBytes ?? 256 * 1024 * 1024;
  const deadlineOf = ({ deadlineMs }: Call): Milliseconds => deadlineMs ?? options.callDeadlineMs;
  const poolOf = (call: Call): Dispatcher => options.connections.own[call.pool ?? 'rest'];

  const requestOf = (call: Call): Dispatcher.DispatchOptions =>
    toRequest(call, options.connections.hostFor(call.caller?.host));

  /** Turns what went wrong into what the client is told, and tells `onFailure`, unless the client left. */
  function explain(error: unknown, client: AbortSignal | undefined): unknown {
    if (client?.aborted === true) return client.reason;
    const answer = explainNetworkError(error);
    if (answer instanceof HomeserverUnavailable) options.onFailure?.(answer);
    return answer;
  }

  /** Makes what is thrown for a call, and notes what it says about the homeserver. */
  function explainCall(error: unknown, call: Call): unknown {
    const thrown = explain(error, call.signal);
    if (contradicts(call.name, thrown)) options.onContradiction?.();
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
        refuseBadStatus({ status, headers: answer.headers, body: await readErrorBody(answer.body) });
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
