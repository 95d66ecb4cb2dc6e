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
  /** The path below `/_matrix/client/v3/`, escaped, without query. */
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

/** The calls that need nobody's access token, and those of a caller. */
export interface Homeserver {
  /**
   * Returns the account of a caller, whose calls end with this signal. For nobody, only `request` and `streamRequest`
   * make sense.
   */
  as(caller: Caller | Nobody, signal?: AbortSignal): Account;
  /** Whether the room is published in the room directory: the answer is the same for anybody. */
  roomVisibility(roomId: RoomId, signal?: AbortSignal): Promise<'public' | 'private'>;
  versions(signal?: AbortSignal): Promise<VersionsResponse>;
  /** Returns the name that the homeserver tells other homeservers, such as `Synapse`; undefined where it tells none. */
  serverName(signal?: AbortSignal): Promise<string | undefined>;
}

/**
 * An account is what one caller may ask, each call with the caller's access token. The homeserver's refusals are
 * thrown as `HomeserverError`, its absence as `HomeserverUnavailable`; the signal ends each call, with the signal's
 * reason, at once.
 */
export interface Account {
  readonly caller: Caller | Nobody;
  readonly signal: AbortSignal;
  /**
   * Returns an account of the same caller, whose calls end with this signal instead; without a signal, nothing ends
   * them.
   */
  until(signal?: AbortSignal): Account;

  /** @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/whoami.yaml */
  whoami(): Promise<WhoamiResponse>;
  /** An answer of any size, as bytes: nothing is read from the homeserver that was not asked for. */
  streamSync(query: SyncQuery): Promise<AsyncIterable<Buffer>>;
  /** One page, as it came: most of its bytes are handed on. */
  messagesPage(roomId: RoomId, query: MessagesQuery): Promise<MessagesPage>;
  /** Reads a page of any size, as bytes that come when they are asked for. */
  streamMessages(roomId: RoomId, query: MessagesQuery): Promise<AsyncIterable<Buffer>>;
  /** Asks with `limit=0` for the messages tokens before and after the event. */
  context(roomId: RoomId, eventId: EventId): Promise<ContextResponse>;
  /** The content of one state event: current for members and peekers, as of the leave for who left. */
  stateEvent(roomId: RoomId, type: string, stateKey: string): Promise<JsonObject>;
  /** All state, as the bytes of a JSON array: it may have as many events as the room has members. */
  streamState(roomId: RoomId): Promise<AsyncIterable<Buffer>>;
  roomSummary(roomId: RoomId): Promise<RoomSummaryResponse>;
  /** The tags that the caller gave to a room, as `{tags}` came. */
  tags(userId: UserId, roomId: RoomId): Promise<Buffer>;
  presence(userId: UserId): Promise<JsonObject>;
  /** Simplified sliding sync: `body` is the request's JSON. The answer as it came. */
  slidingSync(body: JsonObject): Promise<Buffer>;
  /** One event, as it came. */
  event(roomId: RoomId, eventId: EventId): Promise<Buffer>;
  joinedRooms(): Promise<RoomId[]>;
  /** Reads those of the caller's notifications that may be of an invite, a page at a time. */
  notifications(query: { from?: string; limit: number }): Promise<NotificationsResponse>;
  /** One of the many requests whose answer is handed on: nothing of it is known here but that it is an object. */
  request(request: PlainRequest): Promise<JsonObject>;
  /** Sends a request whose answer may have any size, and is read as bytes. */
  streamRequest(request: PlainRequest): Promise<AsyncIterable<Buffer>>;
}

/** A call by its name, as it is counted. */
export type CallName = Exclude<keyof Homeserver | keyof Account, 'as' | 'caller' | 'signal' | 'until'>;
