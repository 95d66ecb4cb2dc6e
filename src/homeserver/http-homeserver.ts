// The port over HTTP: a list of its calls.

import { toRawPath } from '../http/raw-url.ts';
import type { JsonObject } from '../matrix/client-event.ts';
import type { EventId, Milliseconds, RoomId, UserId } from '../matrix/identifiers.ts';
import type {
  ContextResponse,
  NotificationsResponse,
  RoomSummaryResponse,
  VersionsResponse,
  WhoamiResponse,
} from '../matrix/sync.ts';
import {
  checkContext,
  checkEventBytes,
  checkNotifications,
  checkPresence,
  checkRooms,
  checkSummary,
  checkTags,
  checkVersions,
  checkWhoami,
} from './checked-answers.ts';
import type {
  Account,
  Caller,
  CallName,
  Homeserver,
  MessagesQuery,
  Nobody,
  PlainRequest,
  SyncQuery,
} from './homeserver.ts';
import { createHttpCalls, type HttpCallOptions, type HttpCalls } from './http-call.ts';
import type { Call } from './http-request.ts';
import { MessagesPage, readTokens } from './messages-page.ts';
import { readInvitesAmong } from './notifications.ts';

export interface HttpHomeserverOptions extends HttpCallOptions {
  /** The prefix of the client API under which the homeserver has what has one: `v3` by default, `r0` on an old one. */
  modernPrefix?: () => 'v3' | 'r0';
  /** Added to a poll's own timeout. */
  pollMarginMs: Milliseconds;
  /** How long the head of an initial sync may take; its body takes as long as the client reads it. */
  initialSyncDeadlineMs: Milliseconds;
  /** Is told of each `request` that was answered with 2xx. */
  onRequested?: (request: PlainRequest) => void;
}

/** A hundred events of 64 KB, each with its content before and its redaction, and as much again. */
const MOST_PAGE_BYTES = 2 * 100 * 3 * 64 * 1024;

/** The homeserver over HTTP: each call of the port becomes one request. Answers are what the port says: they are checked. */
export function createHttpHomeserver(options: HttpHomeserverOptions): Homeserver {
  const http = createHttpCalls(options);
  const below = (...segments: readonly string[]): string =>
    `/_matrix/client/${options.modernPrefix?.() ?? 'v3'}/${toRawPath(...segments)}`;
  return {
    as: (caller, signal) => new HttpAccount({ http, options, below }, caller, signal),

    roomVisibility: async (roomId, signal) => {
      const path = below('directory', 'list', 'room', roomId);
      const { visibility } = await http.json<{ visibility?: string }>({
        name: 'roomVisibility',
        path,
        signal,
      });
      return visibility === 'public' ? 'public' : 'private';
    },

    versions: async (signal) => {
      const path = '/_matrix/client/versions';
      return checkVersions(await http.json<VersionsResponse>({ name: 'versions', path, signal }));
    },

    serverName: async (signal) => {
      const path = '/_matrix/federation/v1/version';
      const { server } = await http.json<{ server?: { name?: unknown } | null }>({
        name: 'serverName',
        path,
        signal,
      });
      return typeof server?.name === 'string' ? server.name : undefined;
    },
  };
}

/** The accounts of one homeserver share this. */
interface Shared {
  http: HttpCalls;
  options: HttpHomeserverOptions;
  /** Segments → the path under the modern prefix, each of them escaped. */
  below: (...segments: readonly string[]) => string;
}

class HttpAccount implements Account {
  readonly caller: Caller | Nobody;
  readonly signal: AbortSignal;
  readonly #shared: Shared;
  readonly #http: HttpCalls;

  constructor(shared: Shared, caller: Caller | Nobody, signal: AbortSignal = new AbortController().signal) {
    this.caller = caller;
    this.signal = signal;
    this.#shared = shared;
    this.#http = shared.http;
  }

  until(signal?: AbortSignal): Account {
    return new HttpAccount(this.#shared, this.caller, signal);
  }

  async whoami(): Promise<WhoamiResponse> {
    return checkWhoami(await this.#json('whoami', 'account', 'whoami'));
  }

  streamSync(query: SyncQuery): Promise<AsyncIterable<Buffer>> {
    const { pollMarginMs, initialSyncDeadlineMs } = this.#shared.options;
    const { since, timeoutMs, fullState } = query;
    const isInitial = since === undefined || fullState === true;
    return this.#http.chunks({
      ...this.#call('streamSync', ['sync']),
      query: syncParameters(query),
      pool: 'longPolls',
      // For the head of the answer: an increment is told at once, or when something happens.
      deadlineMs: timeoutMs + (isInitial ? initialSyncDeadlineMs : pollMarginMs),
      pollMs: timeoutMs,
    });
  }

  messagesPage(roomId: RoomId, query: MessagesQuery): Promise<MessagesPage> {
    const call = { ...this.#call('messagesPage', ['rooms', roomId, 'messages']), query: { ...query } };
    return this.#http.whole(call, (body) => new MessagesPage(body), MOST_PAGE_BYTES);
  }

  streamMessages(roomId: RoomId, query: MessagesQuery): Promise<AsyncIterable<Buffer>> {
    const call = this.#call('streamMessages', ['rooms', roomId, 'messages']);
    return this.#http.chunks({ ...call, query: { ...query } });
  }

  async context(roomId: RoomId, eventId: EventId): Promise<ContextResponse> {
    const call = this.#call('context', ['rooms', roomId, 'context', eventId]);
    // The answer has all of the room's state, unless its members are not wanted.
    const query = { limit: 0, filter: '{"lazy_load_members":true}' };
    return checkContext(await this.#http.whole({ ...call, query }, readTokens));
  }

  stateEvent(roomId: RoomId, type: string, stateKey: string): Promise<JsonObject> {
    return this.#json('stateEvent', 'rooms', roomId, 'state', type, stateKey);
  }

  streamState(roomId: RoomId): Promise<AsyncIterable<Buffer>> {
    return this.#longChunks(this.#call('streamState', ['rooms', roomId, 'state']));
  }

  async roomSummary(roomId: RoomId): Promise<RoomSummaryResponse> {
    const path = `/_matrix/client/v1/${toRawPath('room_summary', roomId)}`;
    return checkSummary(await this.#http.json({ ...this.#call('roomSummary', []), path }));
  }

  async tags(userId: UserId, roomId: RoomId): Promise<Buffer> {
    return checkTags(await this.#http.bytes(this.#call('tags', ['user', userId, 'rooms', roomId, 'tags'])));
  }

  async presence(userId: UserId): Promise<JsonObject> {
    return checkPresence(await this.#json('presence', 'presence', userId, 'status'));
  }

  slidingSync(body: JsonObject): Promise<Buffer> {
    const path = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';
    return this.#http.bytes({ ...this.#call('slidingSync', []), path, query: { timeout: 0 }, body });
  }

  async event(roomId: RoomId, eventId: EventId): Promise<Buffer> {
    return checkEventBytes(await this.#http.bytes(this.#call('event', ['rooms', roomId, 'event', eventId])));
  }

  async joinedRooms(): Promise<RoomId[]> {
    const answer = await this.#json<{ joined_rooms?: RoomId[] | null }>('joinedRooms', 'joined_rooms');
    return checkRooms(answer.joined_rooms ?? []);
  }

  async notifications(query: { from?: string; limit: number }): Promise<NotificationsResponse> {
    const call = { ...this.#call('notifications', ['notifications']), query };
    return checkNotifications(await this.#http.whole(call, readInvitesAmong));
  }

  async request(request: PlainRequest): Promise<JsonObject> {
    const answer = await this.#http.json<JsonObject>(this.#plainCall('request', request));
    this.#shared.options.onRequested?.(request);
    return answer;
  }

  streamRequest(request: PlainRequest): Promise<AsyncIterable<Buffer>> {
    return this.#longChunks(this.#plainCall('streamRequest', request));
  }

  #call(name: CallName, segments: readonly string[]): Call {
    return { name, path: this.#shared.below(...segments), caller: this.caller, signal: this.signal };
  }

  /** The path is escaped already. */
  #plainCall(name: CallName, { path, ...request }: PlainRequest): Call {
    const call = this.#call(name, []);
    return { ...call, ...request, path: call.path + path };
  }

  #json<Answer>(name: CallName, ...segments: readonly string[]): Promise<Answer> {
    return this.#http.json<Answer>(this.#call(name, segments));
  }

  #longChunks(call: Call): Promise<AsyncIterable<Buffer>> {
    return this.#http.chunks({ ...call, deadlineMs: this.#shared.options.initialSyncDeadlineMs });
  }
}

function syncParameters(query: SyncQuery): Record<string, string | number | undefined> {
  return {
    filter: query.filter,
    since: query.since,
    timeout: query.timeoutMs,
    set_presence: query.setPresence,
    full_state: query.fullState === true ? 'true' : undefined,
  };
}
