import { MatrixError } from '../../../../src/matrix/errors.ts';
import type { MessagesResponse } from '../../../../src/matrix/sync.ts';
import { readLimit } from '../../../../src/matrix/query.ts';
import { toShownEvent } from '../../../../src/sandbox/messages.ts';
import type { Room } from '../../../../src/sandbox/room.ts';
import type { Call } from '../../../../src/sandbox/routes/route.ts';
import type { StoredEvent } from '../../../../src/sandbox/stored-event.ts';
import { parseFilter, readEventTest } from '../../../../src/sandbox/sync-filter.ts';
import { isRoomPosition, type Position, type RoomPosition } from '../../../../src/sandbox/tokens.ts';
import { type Access, isVisible, readAccess } from '../../../../src/sandbox/visibility.ts';
import { before, readPosition, toMessagesToken } from './dendrite-tokens.ts';
import { withoutUnsigned } from './dendrite-event.ts';
import type { Played } from './play.ts';

const MOST_EVENTS = 100;
const BEFORE_ALL: RoomPosition = { depth: 0, stream: 0 };
const NO_FROM = 't9223372036854775807_9223372036854775807';

/**
 * Dendrite's `/messages`: by depth alone. Forwards a sync token stands *at* the first event that came with it or later,
 * so that event is left out; each page's end lies before its last event, so the next page gives that again; a room that
 * the caller cannot read is empty; an all-invisible page has no end; filters thin out what the limit has cut.
 *
 * @see docs/reference/homeservers.md#messages
 */
export function dendriteMessages({ homeserver }: Played, call: Call): MessagesResponse {
  const { query, session, params } = call;
  const dir = query.get('dir');
  if (dir !== 'f' && dir !== 'b')
    throw new MatrixError(400, 'M_MISSING_PARAM', 'Bad or missing dir query parameter');
  const asked = query.get('from') ?? '';
  if (asked === '' && dir === 'f') throw new MatrixError(400, 'M_INVALID_PARAM', 'Invalid from parameter');
  const start = (asked === '' ? NO_FROM : asked) as NonNullable<MessagesResponse['start']>;
  const to = query.get('to') ?? '';
  const limit = Math.min(readLimit(query, 10), MOST_EVENTS);
  const room = homeserver.rooms.get(params['roomId'] as Room['roomId']);
  const access = accessOf(call, room);
  if (room === undefined || access === undefined) return { chunk: [], start };

  const leave = access === 'left' ? room.membershipEvent(session.user.userId) : undefined;
  const from = dir === 'b' && leave !== undefined ? leave : readPosition(start);
  const pages = dir === 'f' ? forwards : backwards;
  const events = pages(room, from, to === '' ? undefined : readPosition(to))
    .filter((event) => access !== 'left' || !isAfterLeave(event, room, call))
    .slice(0, limit);
  const filter = query.get('filter');
  const passes = readEventTest(filter === null ? {} : parseFilter(filter));
  const shown = events.filter(
    (event) =>
      passes(event) &&
      (access === 'member' || event.type !== 'm.room.redaction') &&
      isVisible(event, room, session.user, access === 'peeker'),
  );
  const last = events.at(-1);
  return {
    start: (leave === undefined || dir === 'f' ? start : toMessagesToken(leave)) as typeof start,
    chunk: shown.map((event) => withoutUnsigned(toShownEvent(homeserver, room, session, event))),
    ...(shown.length > 0 && last !== undefined && { end: toMessagesToken(before(last)) as typeof start }),
  };
}

function accessOf({ session, params }: Call, room: Room | undefined): Access | undefined {
  try {
    return readAccess(session.user, room, params['roomId'] ?? '');
  } catch {
    return undefined;
  }
}

function isAfterLeave(event: StoredEvent, room: Room, { session }: Call): boolean {
  const leave = room.membershipEvent(session.user.userId);
  return leave !== undefined && event.stream > leave.stream;
}

function forwards(room: Room, from: Position, to: Position | undefined): StoredEvent[] {
  const start = isRoomPosition(from) ? from : firstFrom(room, from.stream);
  const end = to === undefined || isRoomPosition(to) ? to : (lastUntil(room, to.stream) ?? BEFORE_ALL);
  return start === undefined ? [] : [...room.timeline.forwards(start, end)];
}

function backwards(room: Room, from: Position, to: Position | undefined): StoredEvent[] {
  const start = isRoomPosition(from) ? from : lastUntil(room, from.stream);
  const end = to === undefined || isRoomPosition(to) ? to : firstFrom(room, to.stream);
  if (start === undefined) return [];
  const events = [...room.timeline.backwards(start, end)];
  const [creation] = room.timeline.byArrival;
  const isBeforeAll = events.length === 0 && isRoomPosition(from) && to === undefined;
  return isBeforeAll && creation !== undefined ? [creation] : events;
}

/** The lowest event that did not come before a position: not the last one that had come, as would be right. */
function firstFrom(room: Room, stream: number): RoomPosition | undefined {
  const later = room.timeline.byArrival.filter((event) => event.stream >= stream);
  return later.toSorted(byDepth)[0];
}

/** The highest event that had come at a position. */
function lastUntil(room: Room, stream: number): RoomPosition | undefined {
  return room.timeline.backwards({ stream }, undefined).next().value ?? undefined;
}

const byDepth = (one: StoredEvent, other: StoredEvent): number =>
  one.depth - other.depth || one.stream - other.stream;
