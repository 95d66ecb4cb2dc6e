import type { Dispatcher } from 'undici';
import { loopBudget } from '../scheduling/loop-budget.ts';
import { toRawPath } from '../http/raw-url.ts';
import { HomeserverError, HomeserverUnavailable } from '../matrix/errors.ts';
import type { JsonObject } from '../matrix/client-event.ts';
import type { Milliseconds, RoomId } from '../matrix/identifiers.ts';
import type { RoomSummaryResponse, VersionsResponse, WhoamiResponse } from '../matrix/sync.ts';
import { parseExactly } from '../stream/exact-json.ts';
import { chunksOf } from './body-chunks.ts';
import type { Connections } from './connections.ts';
import { AnswerTooLarge, AnswerTooLate, explainNetworkError, isStatus, OddStatus } from './network-errors.ts';
import { readWholeAnswer, type WholeAnswer } from './whole-answer.ts';
import type { Caller, Homeserver, Nobody, PlainRequest, SyncQuery } from './homeserver.ts';
import { MessagesPage, readTokens } from './messages-page.ts';
import { readInvitesAmong } from './notifications.ts';

export interface HttpHomeserverOptions {
  connections: Connections;
  /** The prefix of the client API under which the homeserver has what has one: `v3` by default, `r0` on an old one. */
  modernPrefix?: () => 'v3' | 'r0';
  /** For the whole answer of an ordinary call. */
  callDeadlineMs: Milliseconds;
  /** Added to a poll's own timeout. */
  pollMarginMs: Milliseconds;
  /** For the head of an initial sync; its body takes as long as the client reads it. */
  initialSyncDeadlineMs: Milliseconds;
  /** How long the homeserver may send nothing in the midst of an answer that is read as it comes. */
  answerIdleMs: Milliseconds;
  /** The largest answer that is parsed whole, in bytes. */
  maxAnswerBytes?: number;
  /** Told of each finished call: its name in the port, how long it took, and the status (0 without an answer). */
  onCall?: (name: keyof Homeserver, durationMs: Milliseconds, status: number) => void;
  /** Told of each call that got no answer which can be used. */
  onFailure?: (error: HomeserverUnavailable) => void;
  /**
   * Told of what does not go with what is known of the homeserver: it has not what it was asked for, or could not be
   * reached.
   */
  onContradiction?: () => void;
}

interface Call {
  name: keyof Homeserver;
  path: string;
  query?: Readonly<Record<string, string | number | undefined>> | URLSearchParams;
  /** GET, or POST where there is a body. */
  method?: PlainRequest['method'];
  /** JSON, or its text. */
  body?: JsonObject | Buffer;
  caller?: Caller | Nobody;
  pool?: 'longPolls' | 'rest';
  deadlineMs: Milliseconds;
  /** Of a poll: how long the homeserver may wait with all of its answer. */
  pollMs?: Milliseconds;
  signal: AbortSignal | undefined;
}

/** To parse so much takes about 50 ms; of what is parsed, a list of a hundred thousand joined rooms would be largest. */
const MOST_PARSED_BYTES = 8 * 1024 * 1024;
/** One event or what is as small, as bytes; as much as a `JsonReader` takes of one value. */
const MOST_VALUE_BYTES = 16 * 1024 * 1024;
/** A hundred events of 64 KB, each with its content before and its redaction, and as much again. */
const MOST_PAGE_BYTES = 2 * 100 * 3 * 64 * 1024;
/** A Matrix error has a few hundred bytes, a proxy's error page some thousands. */
const ERROR_BODY_LIMIT = 64 * 1024;

/** The homeserver over HTTP: each call of the port becomes one request, and none is ever repeated. */
export function createHttpHomeserver(options: HttpHomeserverOptions): Homeserver {
  const { callDeadlineMs, pollMarginMs, initialSyncDeadlineMs } = options;
  const maxAnswerBytes = options.maxAnswerBytes ?? 256 * 1024 * 1024;

  const prefix = (): string => `/_matrix/client/${options.modernPrefix?.() ?? 'v3'}`;
  const pathOfRoom = (...segments: readonly string[]): string =>
    `${prefix()}/${toRawPath('rooms', ...segments)}`;

  function toCall(
    name: Call['name'],
    caller: Call['caller'],
    { path, ...request }: PlainRequest,
    deadlineMs: Milliseconds,
    signal: AbortSignal | undefined,
  ): Call {
    return {
      name,
      ...(caller !== undefined && { caller }),
      path: `${prefix()}/${path}`,
      ...request,
      deadlineMs,
      signal,
    };
  }

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
    const deadline = startDeadline(call.deadlineMs, call.signal);
    const startedAt = performance.now();
    let status = 0;
    try {
      const answer = await options.connections.own[call.pool ?? 'rest'].request({
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

  /** The answer whole, given to `read` if it is a 2xx. */
  async function getWhole<Answer>(
    call: Call,
    read: (body: Buffer) => Answer,
    limit = maxAnswerBytes,
  ): Promise<Answer> {
    const { deadlineMs, signal } = call;
    const startedAt = performance.now();
    let status = 0;
    try {
      const limits = { deadlineMs, signal, limit: Math.min(limit, maxAnswerBytes) };
      const answer = await readWholeAnswer(
        options.connections.own[call.pool ?? 'rest'],
        requestOf(call),
        limits,
      );
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

  const getJson = <Answer>(call: Call): Promise<Answer> =>
    getWhole(call, (body) => parseObject(body) as Answer, MOST_PARSED_BYTES);

  const getBytes = (call: Call): Promise<Buffer> => getWhole(call, (body) => body, MOST_VALUE_BYTES);

  /** Once the head is there, whoever reads the body sets the pace. */
  async function getChunks(call: Call): Promise<AsyncIterable<Buffer>> {
    const { answer, deadline } = await open(call);
    deadline.clear();
    return explained(chunksOf(answer.body), (error) => explain(error, call.signal));
  }

  /** For the head of the answer: an increment is told at once, or when something happens. */
  const syncDeadlineMs = ({ since, fullState, timeoutMs }: SyncQuery): Milliseconds =>
    timeoutMs + (since === undefined || fullState === true ? initialSyncDeadlineMs : pollMarginMs);

  const messagesCall = (
    name: Call['name'],
    ...[caller, roomId, query, signal]: Parameters<Homeserver['messagesPage']>
  ): Call => ({
    name,
    path: pathOfRoom(roomId, 'messages'),
    query: { ...query },
    caller,
    deadlineMs: callDeadlineMs,
    signal,
  });

  return {
    whoami: (caller, signal) =>
      getJson<WhoamiResponse>({
        name: 'whoami',
        path: `${prefix()}/account/whoami`,
        caller,
        deadlineMs: callDeadlineMs,
        signal,
      }),

    streamSync: (caller, query, signal) =>
      getChunks({
        name: 'streamSync',
        path: `${prefix()}/sync`,
        query: syncParameters(query),
        caller,
        pool: 'longPolls',
        deadlineMs: syncDeadlineMs(query),
        pollMs: query.timeoutMs,
        signal,
      }),

    messagesPage: (...asked) =>
      getWhole(messagesCall('messagesPage', ...asked), (body) => new MessagesPage(body), MOST_PAGE_BYTES),

    streamMessages: (...asked) => getChunks(messagesCall('streamMessages', ...asked)),

    context: (caller, roomId, eventId, signal) =>
      getWhole(
        {
          name: 'context',
          path: pathOfRoom(roomId, 'context', eventId),
          // The answer has all of the room's state, unless its members are not wanted.
          query: { limit: 0, filter: '{"lazy_load_members":true}' },
          caller,
          deadlineMs: callDeadlineMs,
          signal,
        },
        readTokens,
      ),

    stateEvent: (caller, roomId, type, stateKey, signal) =>
      getJson<JsonObject>({
        name: 'stateEvent',
        path: pathOfRoom(roomId, 'state', type, stateKey),
        caller,
        deadlineMs: callDeadlineMs,
        signal,
      }),

    streamState: (caller, roomId, signal) =>
      getChunks({
        name: 'streamState',
        path: pathOfRoom(roomId, 'state'),
        caller,
        deadlineMs: initialSyncDeadlineMs,
        signal,
      }),

    roomSummary: (caller, roomId, signal) =>
      getJson<RoomSummaryResponse>({
        name: 'roomSummary',
        path: `/_matrix/client/v1/${toRawPath('room_summary', roomId)}`,
        caller,
        deadlineMs: callDeadlineMs,
        signal,
      }),

    tags: (caller, userId, roomId, signal) => {
      const path = `${prefix()}/${toRawPath('user', userId, 'rooms', roomId, 'tags')}`;
      return getBytes({ name: 'tags', path, caller, deadlineMs: callDeadlineMs, signal });
    },

    presence: (caller, userId, signal) =>
      getJson<JsonObject>({
        name: 'presence',
        path: `${prefix()}/${toRawPath('presence', userId, 'status')}`,
        caller,
        deadlineMs: callDeadlineMs,
        signal,
      }),

    slidingSync: (caller, body, signal) =>
      getBytes({
        name: 'slidingSync',
        path: '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
        query: { timeout: 0 },
        body,
        caller,
        deadlineMs: callDeadlineMs,
        signal,
      }),

    event: (caller, roomId, eventId, signal) =>
      getBytes({
        name: 'event',
        path: pathOfRoom(roomId, 'event', eventId),
        caller,
        deadlineMs: callDeadlineMs,
        signal,
      }),

    joinedRooms: async (caller, signal) => {
      const call: Call = {
        name: 'joinedRooms',
        path: `${prefix()}/joined_rooms`,
        caller,
        deadlineMs: callDeadlineMs,
        signal,
      };
      return (await getJson<{ joined_rooms?: RoomId[] | null }>(call)).joined_rooms ?? [];
    },

    notifications: (caller, query, signal) =>
      getWhole(
        {
          name: 'notifications',
          path: `${prefix()}/notifications`,
          query: { ...query },
          caller,
          deadlineMs: callDeadlineMs,
          signal,
        },
        readInvitesAmong,
      ),

    roomVisibility: async (roomId, signal) => {
      const answer = await getJson<{ visibility?: string }>({
        name: 'roomVisibility',
        path: `${prefix()}/${toRawPath('directory', 'list', 'room', roomId)}`,
        deadlineMs: callDeadlineMs,
        signal,
      });
      return answer.visibility === 'public' ? 'public' : 'private';
    },

    request: (caller, request, signal) =>
      getJson<JsonObject>(toCall('request', caller, request, callDeadlineMs, signal)),

    streamRequest: (caller, request, signal) =>
      getChunks(toCall('streamRequest', caller, request, initialSyncDeadlineMs, signal)),

    versions: (signal) =>
      getJson<VersionsResponse>({
        name: 'versions',
        path: '/_matrix/client/versions',
        deadlineMs: callDeadlineMs,
        signal,
      }),

    serverName: async (signal) => {
      const path = '/_matrix/federation/v1/version';
      const answer = await getJson<{ server?: { name?: unknown } | null }>({
        name: 'serverName',
        path,
        deadlineMs: callDeadlineMs,
        signal,
      });
      return typeof answer.server?.name === 'string' ? answer.server.name : undefined;
    },
  };
}

const textOf = (body: JsonObject | Buffer): string | Buffer =>
  Buffer.isBuffer(body) ? body : JSON.stringify(body);

function syncParameters(query: SyncQuery): Record<string, string | number | undefined> {
  return {
    filter: query.filter,
    since: query.since,
    timeout: query.timeoutMs,
    set_presence: query.setPresence,
    full_state: query.fullState === true ? 'true' : undefined,
  };
}

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
const ASKED_IN_VAIN: ReadonlySet<keyof Homeserver> = new Set(['roomSummary', 'serverName', 'versions']);

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
