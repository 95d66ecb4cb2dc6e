import { createHash } from 'node:crypto';
import type { JsonObject } from '../matrix/client-event.ts';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import { toLegacyInvite, type InviteSource } from './invite.ts';

/** An invited room as draft A has it, without `published`. */
export interface InvitedRoomOfDraftA {
  room_id: RoomId;
  event_map: Record<EventId, JsonObject>;
  events: { batch: EventId[]; prev_batch: string };
  state: EventId[];
  limited: boolean;
  ephemeral: [];
}

/**
 * Stripped state of an invite → the room as it stands in draft A's list: the invite is its only event, and its state is
 * what the homeserver shows of the room, under ids that are the same every time.
 *
 * Differs: draft-a-invites-carry-state
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export function toInvitedRoomOfDraftA(source: InviteSource & { prevBatch: string }): InvitedRoomOfDraftA {
  const { roomId, prevBatch } = source;
  const { invite } = toLegacyInvite(source);
  const { event_id: inviteId = madeUpId(roomId, invite), invite_room_state: others = [] } = invite;
  const state = others.map((event) => [madeUpId(roomId, event), event as JsonObject] as const);
  const entry: JsonObject = {
    type: invite.type,
    sender: invite.sender,
    state_key: invite.state_key,
    content: invite.content,
    origin_server_ts: invite.origin_server_ts,
    unsigned: invite.unsigned,
  };
  return {
    room_id: roomId,
    event_map: Object.fromEntries([...state, [inviteId, entry]]),
    events: { batch: [inviteId], prev_batch: prevBatch },
    state: state.map(([id]) => id),
    limited: false,
    ephemeral: [],
  };
}

function madeUpId(roomId: RoomId, event: unknown): EventId {
  return `$${createHash('sha256')
    .update(JSON.stringify([roomId, event]))
    .digest('base64url')}` as EventId;
}
