// The one port: the calls of a homeserver that the gateway makes itself, and nothing else.
// `http-homeserver.ts` makes them for real; tests hand an endpoint a fake with the few it uses.

import type { JsonObject } from '../matrix/client-event.ts';
import type {
  AccessToken,
  DeviceId,
  EventId,
  MessagesToken,
  Milliseconds,
  RoomId,
  SyncToken,
  UserId,
} from '../matrix/identifiers.ts';
import type {
  ContextResponse,
  NotificationsResponse,
  RoomSummaryResponse,
  VersionsResponse,
  WhoamiResponse,
} from '../matrix/sync.ts';
import type { MessagesPage } from './messages-page.ts';

/** Who asks: everything of a client's request that goes along with each call made for it. */
export interface Caller {
  accessToken: AccessToken;
  /** Whom an application service acts as. */
  masquerade?: { userId?: UserId; deviceId?: DeviceId };
  /** The client's own, which the homeserver shows in its list of devices. */
  userAgent?: string;
  /** The whole `X-Forwarded-For` to send, the client's address last. */
  forwardedFor?: string;
  /** The `Host` of the client's request. */
  host?: string;
  /** How the client came: `https`, where a trusted proxy says so. */
  forwardedProto?: string;
}

/** A caller who has shown no access token: somebody who logs in or registers. */
export type Nobody = Omit<Caller, 'accessToken' | 'masquerade'>;

/** A request of the client API as a route of 2014 becomes it. */
export interface PlainRequest {
  method: 'GET' | 'POST' | 'PUT';
  /** Below `/_matrix/client/v3/`, escaped, without query. */
  path: string;
  query?: URLSearchParams;
  /** JSON, or its text as the client sent it. */
  body?: JsonObject | Buffer;
}

export interface SyncQuery {
  /**
   * The filter's JSON text, or the id of one that the client made. Synapse caches answers under this very text: see
   * `translate/sync-filter.ts`.
   */
  filter: string;
  since?: SyncToken;
  timeoutMs: Milliseconds;
  setPresence: 'online' | 'offline';
  /** The whole state of every room, also with `since`. */
  fullState?: boolean;
}

export interface MessagesQuery {
  dir: 'f' | 'b';
  from?: MessagesToken | SyncToken;
  to?: MessagesToken | SyncToken;
  limit: number;
  filter?: string;
}

/**
 * Each call is made with the caller's own access token. The homeserver's refusals are thrown as `HomeserverError`,
 * its absence as `HomeserverUnavailable`; an aborted signal ends the call, with the signal's reason, at once.
 */
export interface Homeserver {
  /** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/whoami.yaml */
  whoami(caller: Caller, signal?: AbortSignal): Promise<WhoamiResponse>;
  /** An answer of any size, as bytes: nothing is read from the homeserver that was not asked for. */
  streamSync(caller: Caller, query: SyncQuery, signal?: AbortSignal): Promise<AsyncIterable<Buffer>>;
  /** One page, as it came: most of its bytes are handed on. */
  messagesPage(
    caller: Caller,
    roomId: RoomId,
    query: MessagesQuery,
    signal?: AbortSignal,
  ): Promise<MessagesPage>;
  /** The same of any size, as bytes that are read when they are asked for. */
  streamMessages(
    caller: Caller,
    roomId: RoomId,
    query: MessagesQuery,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Buffer>>;
  /** With `limit=0`: the messages tokens before and after the event. */
  context(caller: Caller, roomId: RoomId, eventId: EventId, signal?: AbortSignal): Promise<ContextResponse>;
  /** The content of one state event: current for members and peekers, as of the leave for who left. */
  stateEvent(
    caller: Caller,
    roomId: RoomId,
    type: string,
    stateKey: string,
    signal?: AbortSignal,
  ): Promise<JsonObject>;
  /** All state, as the bytes of a JSON array: it may have as many events as the room has members. */
  streamState(caller: Caller, roomId: RoomId, signal?: AbortSignal): Promise<AsyncIterable<Buffer>>;
  roomSummary(caller: Caller, roomId: RoomId, signal?: AbortSignal): Promise<RoomSummaryResponse>;
  /** The tags that the caller gave to a room, as `{tags}` came. */
  tags(caller: Caller, userId: UserId, roomId: RoomId, signal?: AbortSignal): Promise<Buffer>;
  presence(caller: Caller, userId: UserId, signal?: AbortSignal): Promise<JsonObject>;
  /** Simplified sliding sync: `body` is the request's JSON, `query` its timeout. The answer as it came. */
  slidingSync(caller: Caller, body: JsonObject, signal?: AbortSignal): Promise<Buffer>;
  /** One event, as it came. */
  event(caller: Caller, roomId: RoomId, eventId: EventId, signal?: AbortSignal): Promise<Buffer>;
  joinedRooms(caller: Caller, signal?: AbortSignal): Promise<RoomId[]>;
  /** Of the caller's notifications, a page at a time, those that may be of an invite. */
  notifications(
    caller: Caller,
    query: { from?: string; limit: number },
    signal?: AbortSignal,
  ): Promise<NotificationsResponse>;
  /** Whether the room is published in the room directory. Asked without a token: the answer is the same for anybody. */
  roomVisibility(roomId: RoomId, signal?: AbortSignal): Promise<'public' | 'private'>;
  versions(signal?: AbortSignal): Promise<VersionsResponse>;
  /** One of the many requests whose answer is handed on: nothing of it is known here but that it is an object. */
  request(caller: Caller | Nobody, request: PlainRequest, signal?: AbortSignal): Promise<JsonObject>;
  /** The same for an answer of any size, as bytes. */
  streamRequest(
    caller: Caller | Nobody,
    request: PlainRequest,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Buffer>>;
  /** What the homeserver calls itself to other homeservers, as `Synapse`; undefined where it does not say. */
  serverName(signal?: AbortSignal): Promise<string | undefined>;
}
