import { createHash } from 'node:crypto';
import { isMembershipOf, type ClientEvent, type StrippedEvent } from '../matrix/client-event.ts';
import type { EventId, Milliseconds, RoomId, UserId } from '../matrix/identifiers.ts';
import type { LegacyEvent } from '../matrix/legacy.ts';
import { toLegacyEvent } from './legacy-event.ts';

export interface InviteSource {
  roomId: RoomId;
  userId: UserId;
  membership?: 'invite' | 'knock';
  /** The stripped state that the homeserver shows of the room, with the user's own membership. */
  inviteState: readonly StrippedEvent[];
  /** The whole event, where the homeserver's notifications have it. */
  notification?: ClientEvent | undefined;
  /** Whether it is for `/events`, which says in `unsigned.membership` what the user was; `/initialSync` does not. */
  isInChunk?: boolean;
  nowMs: Milliseconds;
}

/**
 * Stripped state of an invite (or of an own knock) → the full member event that legacy clients expect, and who sent it.
 *
 * What stripped state lacks comes from the notification; without one the event's id is made of what is known, so that it
 * is the same every time.
 *
 * Differs: invites-carry-state, synthetic-invite-id, invites-may-lack-an-inviter
 *
 * @see docs/reference/synapse-legacy.md#memberships-in-events
 * @see docs/reference/clients.md#where-synapses-own-answers-fail-them
 */
export function toLegacyInvite(source: InviteSource): { inviter: UserId | undefined; invite: LegacyEvent } {
  const { roomId, userId, membership = 'invite', inviteState, notification, nowMs } = source;
  const stripped = inviteState.findLast((event) => isMembershipOf(userId, event));
  const others = inviteState.filter((event) => event !== stripped);
  const event: ClientEvent = {
    content: { membership },
    state_key: userId,
    ...stripped,
    ...notification,
    type: 'm.room.member',
    event_id: notification?.event_id ?? syntheticEventId(roomId, stripped),
  };
  const shown = { [`${membership}_room_state`]: others };
  const unsigned = { ...event.unsigned, ...(source.isInChunk === true && { membership }), ...shown };
  const invite = toLegacyEvent({ ...event, unsigned }, roomId, nowMs);
  return { inviter: event.sender, invite };
}

function syntheticEventId(roomId: RoomId, stripped: StrippedEvent | undefined): EventId {
  const known = [roomId, stripped?.sender, stripped?.state_key, stripped?.content];
  return `$${createHash('sha256').update(JSON.stringify(known)).digest('base64url')}` as EventId;
}
