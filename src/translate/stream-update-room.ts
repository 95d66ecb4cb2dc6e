import { isMembershipOf, membershipOf, type ClientEvent } from '../matrix/client-event.ts';
import type { EventId, RoomId, UserId } from '../matrix/identifiers.ts';
import type { RoomEvent, RoomTimeline } from './events.ts';

/** A joined or left room, as far as it was read. */
export class ReadRoom {
  readonly roomId: RoomId;
  readonly isLeft: boolean;
  timeline: RoomEvent[] = [];
  sentAt: number[] = [];
  bytes = 0;
  isLimited = false;
  isDropped = false;
  lastOwn: EventId | undefined;
  leaveInState: { event: RoomEvent; sentAt: number } | undefined;
  joinedAt: number | undefined;
  hasOwnJoin = false;
  #wasInside: boolean | undefined;

  constructor(roomId: RoomId, isLeft: boolean) {
    this.roomId = roomId;
    this.isLeft = isLeft;
  }

  keep(event: RoomEvent, sentAt: number, length: number): void {
    this.timeline.push(event);
    this.sentAt.push(sentAt);
    this.bytes += length;
  }

  /** Lets the timeline go; returns how many bytes it had. */
  drop(): number {
    const { bytes } = this;
    Object.assign(this, { timeline: [], sentAt: [], bytes: 0, isDropped: true });
    return bytes;
  }

  /** Notes a membership event, before the event itself is kept: the user's first change tells whether he was in the room. */
  noteMembership(event: ClientEvent, userId: UserId): void {
    if (!isMembershipOf(userId, event)) return;
    const membership = membershipOf(event);
    this.lastOwn = event.event_id;
    if (membership === 'join') this.hasOwnJoin = true;
    if (membership === 'invite' || membership === 'knock') return;
    const isFirst = this.#wasInside === undefined;
    const before = event.unsigned?.prev_content?.['membership'];
    if (membership === 'join') {
      this.#wasInside ??= before === 'join';
      if (isFirst && !this.#wasInside) this.joinedAt = this.timeline.length;
    } else if (before !== 'invite' && before !== 'knock') this.#wasInside ??= true;
  }
}

/** Translates what was read of a room → its part of the stream. */
export function toRoomTimeline(room: ReadRoom): RoomTimeline {
  return toLeftInState(room) ?? toToldTimeline(room);
}

/** A left room whose leave is in `state` alone → its timeline, of which what came before the leave is still to be read. */
function toLeftInState({ roomId, timeline, lastOwn, leaveInState }: ReadRoom): RoomTimeline | undefined {
  const eventId = leaveInState?.event.event_id;
  if (leaveInState === undefined || eventId === undefined) return undefined;
  if (lastOwn !== undefined || timeline.length > 0) return undefined;
  const { event, sentAt } = leaveInState;
  return { roomId, timeline: [event], sentAt: [sentAt], isWhole: false, lastVisible: eventId };
}

function toToldTimeline(room: ReadRoom): RoomTimeline {
  const { roomId, timeline, sentAt, isLeft, lastOwn, joinedAt } = room;
  return {
    roomId,
    timeline,
    sentAt,
    isWhole: !room.isLimited && !room.isDropped,
    ...(isLeft && lastOwn !== undefined && { lastVisible: lastOwn }),
    ...(joinedAt !== undefined && !room.isDropped && { joinedAt }),
    ...(room.hasOwnJoin && { hasOwnJoin: true as const }),
  };
}
