// GET /messages and /context, from the model alone: a room's history in the order of depth.

import type { ClientEvent } from '../matrix/client-event.ts';
import { MatrixError } from '../matrix/errors.ts';
import type { DeviceId, EventId } from '../matrix/identifiers.ts';
import type { ContextResponse, MessagesResponse } from '../matrix/sync.ts';
import type { SandboxHomeserver } from './homeserver.ts';
import type { Room } from './room.ts';
import { type StoredEvent, toClientEvent } from './stored-event.ts';
import type { EventTest } from './sync-filter.ts';
import {
  encodeMessagesToken,
  encodeSyncToken,
  isRoomPosition,
  type Position,
  type RoomPosition,
} from './tokens.ts';
import type { User } from './user.ts';
import { type Access, isVisible } from './visibility.ts';

export interface Reader {
  user: User;
  deviceId: DeviceId;
}

export interface PageRequest {
  dir: 'f' | 'b';
  /** The place to begin at; absent: the beginning of the room, or backwards *now*. */
  from: Position | undefined;
  to: Position | undefined;
  limit: number;
  passes: EventTest;
}

/**
 * A page: events after `from` in this direction, at most `limit` before those are left out that the reader may not see.
 * `end` is absent when nothing lies beyond. Backwards, who left begins at the leave; forwards the page runs past it, as
 * Synapse's does.
 *
 * @see docs/reference/synapse-legacy.md#messages
 */
export function toMessagesResponse(
  homeserver: SandboxHomeserver,
  room: Room,
  reader: Reader & { access: Access },
  request: PageRequest,
): MessagesResponse {
  const { dir, to, limit } = request;
  const asked = request.from ?? { stream: dir === 'f' ? 0 : homeserver.stream };
  const from = dir === 'b' && reader.access === 'left' ? beforeLeave(room, reader.user, asked) : asked;
  const events = dir === 'f' ? room.timeline.forwards(from, to) : room.timeline.backwards(from, to);
  const page = take(events, limit, request.passes);
  const last = page.at(-1);
  const end = last === undefined ? (limit === 0 ? asked : undefined) : positionAt(last, from, request);
  return {
    chunk: page
      .filter((event) => isVisible(event, room, reader.user, reader.access === 'peeker'))
      .map((event) => toShownEvent(homeserver, room, reader, event)),
    start: encode(asked),
    ...(end !== undefined && { end: encode(end) }),
  };
}

/** An event, with half of `limit` before it and half after it. Throws 404 and 403 as Synapse words them. */
export function toContextResponse(
  homeserver: SandboxHomeserver,
  room: Room,
  reader: Reader,
  { eventId, limit, passes }: { eventId: EventId; limit: number; passes: EventTest },
): ContextResponse & { events_before: ClientEvent[]; events_after: ClientEvent[]; state: ClientEvent[] } {
  const event = homeserver.events.get(eventId);
  if (event?.roomId !== room.roomId) throw new MatrixError(404, 'M_NOT_FOUND', 'Event not found.');
  const isPeeking = room.membership(reader.user.userId) !== 'join';
  const isShown = (each: StoredEvent): boolean => isVisible(each, room, reader.user, isPeeking);
  if (!isShown(event))
    throw new MatrixError(403, 'M_FORBIDDEN', "You don't have permission to access that event.");
  const before = take(room.timeline.backwards(placeBefore(event), undefined), Math.floor(limit / 2), passes);
  const after = take(room.timeline.forwards(event, undefined), Math.ceil(limit / 2), passes);
  const show = (each: StoredEvent): ClientEvent => toShownEvent(homeserver, room, reader, each);
  return {
    start: encode(placeBefore(before.at(-1) ?? event)),
    end: encode(after.at(-1) ?? event),
    event: show(event),
    events_before: before.filter(isShown).map(show),
    events_after: after.filter(isShown).map(show),
    state: room
      .stateAt((after.at(-1) ?? event).stream)
      .map((each) => toClientEvent(each, reader, homeserver.nowMs)),
  };
}

/** An event of a history, with what the reader was to the room at that time. */
export function toShownEvent(
  homeserver: SandboxHomeserver,
  room: Room,
  { user, deviceId }: Reader,
  event: StoredEvent,
): ClientEvent {
  const membership = room.membership(user.userId, event.stream);
  return toClientEvent(event, { deviceId, membership }, homeserver.nowMs);
}

function take(events: Iterable<StoredEvent>, limit: number, passes: EventTest): StoredEvent[] {
  const page: StoredEvent[] = [];
  if (limit === 0) return page;
  for (const event of events) {
    if (passes(event)) page.push(event);
    if (page.length >= limit) break;
  }
  return page;
}

/** Makes the position where the next page begins. It remembers where the reading began. */
function positionAt(event: StoredEvent, from: Position, { dir }: PageRequest): RoomPosition {
  const { depth, stream } = dir === 'f' ? event : placeBefore(event);
  const bound = isRoomPosition(from) ? from.bound : { dir, stream: from.stream };
  return { depth, stream, ...(bound?.dir === dir && { bound }) };
}

const placeBefore = ({ depth, stream }: StoredEvent): RoomPosition => ({ depth, stream: stream - 1 });

function beforeLeave(room: Room, user: User, from: Position): Position {
  const leave = room.membershipEvent(user.userId);
  if (leave === undefined) return from;
  const depth = isRoomPosition(from) ? from.depth : room.timeline.highestDepthUntil(from.stream);
  return leave.depth < depth ? { depth: leave.depth, stream: leave.stream } : from;
}

function encode(position: Position): MessagesResponse['start'] & string {
  const { stream } = position;
  if (!isRoomPosition(position))
    return encodeSyncToken(stream) as string as MessagesResponse['start'] & string;
  const { depth, bound } = position;
  return encodeMessagesToken({ depth, stream, ...(bound !== undefined && { bound }) });
}
