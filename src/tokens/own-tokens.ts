// The two tokens that are ours. All others are the homeserver's own, and opaque.
// They grant nothing, so they carry no signature: see docs/decisions/tokens.md.

import { hasDotSegment } from '../matrix/dot-segments.ts';
import type { EventId, MessagesToken, RoomId, SyncToken } from '../matrix/identifiers.ts';

/**
 * A place within the interval `from`…`to`: everything up to `from` was given, and of the interval every room that
 * sorts before `roomId`, and of that room all up to `lastEventId` on the page that starts at `page`. A page without
 * an event means all before that page; neither of them, all of the room.
 */
export interface CatchUpPosition {
  from: SyncToken;
  to: SyncToken;
  roomId: RoomId;
  /** The start of the page that was read last, or is to be read; null: `from`. */
  page: MessagesToken | null;
  /** Null: nothing of that page was given. */
  lastEventId: EventId | null;
}

/** A place in a room, beside an event; without an event it is the room's newest place, whenever it is asked for. */
export interface RoomPosition {
  roomId: RoomId;
  eventId: EventId | null;
  side: 'before' | 'after';
}

const CATCH_UP_PREFIX = 'hsc1.';
const ROOM_PREFIX = 'hsr1.';

/** Longer tokens are refused unread: five ids of the longest kind need less than half of it. */
const MAX_LENGTH = 4096;

/** Whether a text claims to be a token of ours, of whichever version: no homeserver's token looks so. */
export function isOwnToken(text: string): boolean {
  return /^hs[cr]\d+\./.test(text);
}

export function encodeCatchUpToken({ from, to, roomId, page, lastEventId }: CatchUpPosition): string {
  return encode(CATCH_UP_PREFIX, [from, to, roomId, page, lastEventId]);
}

/** Token → position; undefined for whatever `encodeCatchUpToken` cannot have written. */
export function decodeCatchUpToken(token: string): CatchUpPosition | undefined {
  const fields = decode(CATCH_UP_PREFIX, token);
  if (fields?.length !== 5) return undefined;
  const [from, to, roomId, page, lastEventId] = fields;
  if (!isText(from) || !isText(to) || !isId(roomId)) return undefined;
  if (!(isText(page) || page === null) || !(isId(lastEventId) || lastEventId === null)) return undefined;
  return {
    from: from as SyncToken,
    to: to as SyncToken,
    roomId: roomId as RoomId,
    page: page as MessagesToken | null,
    lastEventId: lastEventId as EventId | null,
  };
}

export function encodeRoomToken({ roomId, eventId, side }: RoomPosition): string {
  return encode(ROOM_PREFIX, [roomId, eventId, side === 'before' ? 0 : 1]);
}

/** Token → position; undefined for whatever `encodeRoomToken` cannot have written. */
export function decodeRoomToken(token: string): RoomPosition | undefined {
  const fields = decode(ROOM_PREFIX, token);
  if (fields?.length !== 3) return undefined;
  const [roomId, eventId, side] = fields;
  if (!isId(roomId) || !(isId(eventId) || eventId === null) || !(side === 0 || side === 1)) return undefined;
  return {
    roomId: roomId as RoomId,
    eventId: eventId as EventId | null,
    side: side === 0 ? 'before' : 'after',
  };
}

function encode(prefix: string, fields: unknown[]): string {
  return prefix + Buffer.from(JSON.stringify(fields)).toString('base64url');
}

function decode(prefix: string, token: string): unknown[] | undefined {
  if (!token.startsWith(prefix) || token.length > MAX_LENGTH) return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(Buffer.from(token.slice(prefix.length), 'base64url').toString());
  } catch {
    return undefined;
  }
  // Written anew it must be the same text: one position has one token, and nothing rides along in it.
  return Array.isArray(fields) && encode(prefix, fields) === token ? fields : undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Ids become segments of paths; one that could lead elsewhere is nobody's. */
const isId = (value: unknown): value is string => isText(value) && !hasDotSegment(value);
