import type { ClientEvent } from '../../matrix/client-event.ts';
import type { MessagesToken, RoomId, SyncToken } from '../../matrix/identifiers.ts';
import type { Caller, Homeserver } from '../homeserver.ts';

/** What happened in one room after `from`, up to and with `to`. */
export interface RoomInterval {
  roomId: RoomId;
  from: SyncToken;
  to: SyncToken;
}

/** A piece of an interval, oldest first. It may be empty and yet not the last: all of it was invisible to the caller. */
export interface IntervalPage {
  events: ClientEvent[];
  /** Where the next page starts; absent on the last one. */
  next?: MessagesToken;
  /** Nothing that had happened before the interval lies further on. */
  hasOnlyNews?: boolean;
}

/** What one sort of homeserver does in its own way, so that nothing else needs to ask which one it is. */
export interface HomeserverKind {
  readonly name: string;
  /** Whether a text can be a `next_batch` of this homeserver: what cannot is refused before it is asked. */
  isSyncToken(text: string): boolean;
  isMessagesToken(text: string): boolean;
  /** The position in the whole stream at which a messages token lies; undefined where it tells none. */
  toSyncToken(token: string): SyncToken | undefined;
  /**
   * The newest position of a room that the caller only looks into, where a `/sync` must not be used for it.
   * Absent: a `/sync` without `since` that asks for no room does no harm.
   */
  readRoomNow?(
    homeserver: Homeserver,
    caller: Caller,
    roomId: RoomId,
    signal: AbortSignal,
  ): Promise<SyncToken>;
  /** Whether anything happened in a room after a position; what, may turn out to be invisible to the caller. */
  hasNews(
    homeserver: Homeserver,
    caller: Caller,
    roomId: RoomId,
    since: SyncToken,
    signal: AbortSignal,
  ): Promise<boolean>;
  /**
   * One page of an interval, from `page` on; null: from its beginning. `filter` is JSON text; `hasOnlyNews` is what the
   * page before said.
   * Throws what the homeserver throws: 403 and 404 for a room that the caller cannot read (any more).
   */
  readPage(
    homeserver: Homeserver,
    caller: Caller,
    interval: RoomInterval,
    page: MessagesToken | null,
    options: { filter?: string; hasOnlyNews: boolean; signal: AbortSignal },
  ): Promise<IntervalPage>;
}
