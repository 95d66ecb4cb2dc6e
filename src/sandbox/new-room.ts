import type { JsonObject } from '../matrix/client-event.ts';
import type { UserId } from '../matrix/identifiers.ts';
import type { NewEvent } from './stored-event.ts';
import type { User } from './user.ts';

/** The body of `POST /createRoom`, as far as the sandbox reads it. */
export interface RoomOptions {
  preset?: 'private_chat' | 'trusted_private_chat' | 'public_chat';
  visibility?: 'public' | 'private';
  room_version?: string;
  room_alias_name?: string;
  name?: string;
  topic?: string;
  invite?: UserId[];
  is_direct?: boolean;
  creation_content?: JsonObject;
  power_level_content_override?: JsonObject;
  initial_state?: { type: string; state_key?: string; content: JsonObject }[];
}

/**
 * The events with which a room begins, in the order that the specification gives.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/create_room.yaml
 */
export function initialEvents(
  creator: User,
  serverName: string,
  version: string,
  options: RoomOptions,
): NewEvent[] {
  const state = (type: string, content: JsonObject, stateKey = ''): NewEvent => ({ type, stateKey, content });
  const { userId, profile } = creator;
  const isPublic =
    (options.preset ?? (options.visibility === 'public' ? 'public_chat' : '')) === 'public_chat';
  const given = (options.initial_state ?? []).map((each) => state(each.type, each.content, each.state_key));
  const isGiven = ({ type }: NewEvent): boolean =>
    given.some((event) => event.type === type && event.stateKey === '');
  const preset = [
    state('m.room.join_rules', { join_rule: isPublic ? 'public' : 'invite' }),
    state('m.room.history_visibility', { history_visibility: 'shared' }),
    ...(isPublic ? [] : [state('m.room.guest_access', { guest_access: 'can_join' })]),
  ];
  const alias = options.room_alias_name;
  return [
    state('m.room.create', {
      ...options.creation_content,
      room_version: version,
      ...(Number(version) < 11 && { creator: userId }),
    }),
    state('m.room.member', { ...profile, membership: 'join' }, userId),
    state('m.room.power_levels', {
      ...powerLevels(userId, version, options),
      ...options.power_level_content_override,
    }),
    ...(alias === undefined ? [] : [state('m.room.canonical_alias', { alias: `#${alias}:${serverName}` })]),
    ...preset.filter((event) => !isGiven(event)),
    ...given,
    ...(options.name === undefined ? [] : [state('m.room.name', { name: options.name })]),
    ...(options.topic === undefined ? [] : [state('m.room.topic', { topic: options.topic })]),
  ];
}

function powerLevels(creator: UserId, version: string, { preset, invite = [] }: RoomOptions): JsonObject {
  const trusted = preset === 'trusted_private_chat' ? invite.map((userId) => [userId, 100]) : [];
  // From version 12 on creators stand above all levels and may not be listed.
  const users = Object.fromEntries([...(Number(version) >= 12 ? [] : [[creator, 100]]), ...trusted]);
  return {
    users,
    users_default: 0,
    events: {},
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: 0,
  };
}
