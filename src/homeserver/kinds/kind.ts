import type { ClientEvent, JsonObject } from '../../matrix/client-event.ts';
import type { EventId, MessagesToken, RoomId, SyncToken } from '../../matrix/identifiers.ts';
import type { Account } from '../homeserver.ts';
import type { WrittenEvent } from '../../translate/written-event.ts';
import type { MessagesPage } from '../messages-page.ts';

/** An interval is what happened in one room after `from`, up to and with `to`. */
export interface RoomInterval {
  roomId: RoomId;
  from: SyncToken;
  to: SyncToken;
}

/** A piece of an interval, oldest first. It may be empty and yet not the last: all of it was invisible to the caller. */
export interface IntervalPage {
  /** A page as it came where all of it is in the interval. */
  events: readonly (WrittenEvent | ClientEvent)[] | MessagesPage;
  /** The start of the next page; absent on the last one. */
  next?: MessagesToken;
  memo?: PageMemo;
}

/**
 * Facts that reading one page gives to reading the next one. They are lost where a page is found by a token alone:
 * then more is asked for, or an event is repeated; none is lost.
 */
export interface PageMemo {
  /** Nothing that had happened before the interval lies further on. */
  hasOnlyNews?: boolean;
  /** The page's last event, which some homeservers give again on the next page. */
  lastEventId?: EventId;
  /** The interval's end: its last event in the order of the pages, or the position itself. */
  until?: { eventId: EventId } | { position: SyncToken } | undefined;
  /** A page of nothing visible was passed over, by going round it. */
  hasJumped?: boolean;
}

/** Facts that a probe gives to the next one from the same position. They may be lost: then more is asked. */
export interface NewsMemo {
  /** The newest event at the position that the caller sees; without an id, none. */
  marker?: { eventId: EventId | undefined };
  /** The number of events among which the newest one that the caller sees was found. */
  depth?: number | undefined;
  /**
   * Whether everything up to the position was invisible though the caller may read the room: then it is no news that
   * nothing is seen.
   */
  isInvisible?: boolean;
}

/** A kind holds what one sort of homeserver does in its own way, so that no other code asks which one it is. */
export interface HomeserverKind {
  readonly name: string;
  /** Whether a text can be a `next_batch` of this homeserver: what cannot is refused before it is asked. */
  isSyncToken(text: string): boolean;
  isMessagesToken(text: string): boolean;
  /** The position in the whole stream at which a messages token lies; undefined where it tells none. */
  toSyncToken(token: string): SyncToken | undefined;
  /**
   * Reads the newest position of a room for a peeker, where a `/sync` must not be used for it. Absent, or undefined:
   * a `/sync` without `since` that asks for no room does no harm.
   */
  readRoomNow?(account: Account, roomId: RoomId): Promise<SyncToken | undefined>;
  /**
   * Returns the token from which `/messages?dir=b` begins with the newest event up to a position. Absent: the
   * position itself is that token.
   */
  toBackwardsStart?(position: SyncToken): MessagesToken | SyncToken;
  /**
   * It answers 200 with nothing, or with what was readable earlier, where a caller may not read a room (any more): so
   * the room's visibility and the caller's membership are asked for before anything new is shown.
   * Absent: it refuses with 403.
   */
  readonly hidesRefusals?: true;
  /**
   * The content of a state event; undefined where there is none. Throws 403 for who cannot read the room.
   * Absent: `/state/{type}/{stateKey}` answers all who can.
   */
  readStateEvent?(
    account: Account,
    roomId: RoomId,
    key: { type: string; stateKey: string },
  ): Promise<JsonObject | undefined>;
  /** It takes a `since` that it cannot read for none, and answers with everything: such an answer is never delivered. */
  readonly resyncsOnBadSince?: true;
  /** Its timelines hold as many events as it likes, whatever is asked for. */
  readonly ignoresTimelineLimit?: true;
  /** It sends a room's last `m.typing` again with every answer. */
  readonly repeatsTyping?: true;
  /** A page of `/messages` that reaches a room's creation leads on, to a page with the creation once more. */
  readonly repeatsCreation?: true;
  /** It gives a repeated `/sync` without `since` an earlier answer. */
  readonly remembersInitialSyncs?: true;
  /** Hears of a token that the homeserver gave: where nothing else tells what its tokens look like. */
  noteSyncToken?(token: string): void;
  /**
   * The newest events of a room up to a position, where the timelines of `/sync` run past its `next_batch`: what lies
   * behind them comes again with the next answer. Absent, or undefined: timelines end where `next_batch` says.
   */
  readNewestUpTo?(
    account: Account,
    roomId: RoomId,
    position: SyncToken,
  ): Promise<ReadonlySet<EventId> | undefined>;
  /** Whether anything happened in a room after a position; what, may turn out to be invisible to the caller. */
  hasNews(account: Account, roomId: RoomId, since: SyncToken, memo?: NewsMemo): Promise<boolean>;
  /**
   * One page of an interval, from `page` on; null: from its beginning. `filter` is JSON text; `memo` is what the
   * page before said, if it is known.
   * Throws what the homeserver throws: 403 and 404 for a room that the caller cannot read (any more).
   */
  readPage(
    account: Account,
    interval: RoomInterval,
    page: MessagesToken | null,
    options: { memo: PageMemo; filter?: string },
  ): Promise<IntervalPage>;
}
